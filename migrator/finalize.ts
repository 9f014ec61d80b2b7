import { inWords } from '../flags/gates.ts'
import type { Exit, LeaveFacts, Need } from './leave.ts'
import { asksFor } from './outlook-words.ts'

/*
 * The end of a migration: new alone, for good. The proof: everything on legacy is on new, verified since its last change
 * and readable there; nothing is in doubt. What legacy owes it may owe: nobody reads it there any more.
 */
const NEEDS: readonly Need[] = [
  {
    missing: ({ state }) => (['enrolled', 'finalizing'].includes(state) ? null : `it is ${state}, not enrolled`),
    next: ({ integration }) => `crossfade migrate ${integration} --execute --reason "..."`,
  },
  {
    missing: ({ inventoried, state }) => (inventoried || state === 'bare' ? null : 'no inventory was taken'),
    next: ({ integration }) => `crossfade migrate ${integration} --execute --reason "..."`,
  },
  {
    missing: ({ outlook }) => asksFor(outlook, 'complete'),
    next: ({ integration }) => `crossfade flags set ${integration} complete --execute --reason "..."`,
  },
  {
    // Of whom is not there yet the need before this one speaks.
    missing: ({ outlook, soaking, state }) =>
      soaking.length === 0 || state !== 'enrolled' || asksFor(outlook, 'complete') !== null
        ? null
        : `the soak in complete is not over: ${soaking.map(({ cohort, left }) => `${cohort} ${inWords(left)} left`).join(', ')}`,
    next: ({ integration }) => `crossfade finalize ${integration}`,
  },
  {
    // Once it is leaving, the drain settles what overlapped with the change.
    missing: ({ obstacles: { owed }, state }) =>
      owed === 0 || state === 'finalizing' ? null : `${owed} secrets are on legacy alone, or newer there`,
    next: ({ integration }) => `crossfade migrate ${integration} --execute --reason "..."`,
  },
  {
    missing: ({ obstacles: { unverified }, state }) =>
      unverified === 0 || state !== 'enrolled'
        ? null
        : `${unverified} secrets were not verified since their last change`,
    next: ({ integration }) => `crossfade verify ${integration} --execute --reason "..."`,
  },
  {
    missing: ({ obstacles: { quarantined } }) =>
      quarantined === 0 ? null : `${quarantined} secrets are in quarantine, and nobody accepted that`,
    next: ({ integration }) => `crossfade quarantine list ${integration}`,
  },
  {
    missing: ({ unaddressed }) => (unaddressed === null ? null : `${unaddressed}, and nobody accepted that`),
    next: ({ integration }) => `crossfade quarantine accept ${integration}`,
  },
  {
    missing: ({ obstacles: { mismatched } }) => (mismatched === 0 ? null : `${mismatched} mismatches are open`),
    next: ({ integration }) => `crossfade mismatches ${integration}`,
  },
]

export const FINALIZE: Exit = {
  kind: 'finalize',
  side: 'new',
  phase: 'complete',
  leaving: 'finalizing',
  pinned: 'new-only',
  end: 'finalized',
  event: 'finalized',
  needs: NEEDS,
}

/** What an operator should know before the end. */
export const finalizeRisks = ({ obstacles: { accepted } }: LeaveFacts, endsKey: boolean): readonly string[] => [
  'there is no way back: legacy is neither read nor written again, and what it owes it owes for ever',
  ...(accepted > 0
    ? [`${accepted} secrets stay behind in quarantine: clients then get what new holds, if anything`]
    : []),
  ...(endsKey
    ? ['it is the last one: the file of the fingerprint key is destroyed; remove the copies on other machines']
    : []),
  'writes wait, for about a second, until every replica reads new alone',
]
