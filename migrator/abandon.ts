import type { Exit, LeaveFacts, Need } from './leave.ts'
import { asksFor } from './outlook-words.ts'

/*
 * The mirror of finalize: legacy alone, as before the migration. The proof: legacy owes nothing. What is on new stays there
 * and is foreign to a later enrol: an inventory finds it, nobody is served it, and settle puts nothing over it before an
 * operator has accepted that.
 */
const NEEDS: readonly Need[] = [
  {
    missing: ({ state }) => (['enrolling', 'enrolled', 'abandoning'].includes(state) ? null : `it is ${state}`),
    next: ({ integration }) => `crossfade status ${integration}`,
  },
  {
    missing: ({ outlook }) => asksFor(outlook, 'off'),
    next: ({ integration }) => `crossfade flags set ${integration} off --execute --reason "..."`,
  },
  {
    missing: ({ obstacles: { owed }, state }) =>
      owed === 0 || state === 'abandoning' ? null : `${owed} secrets are on new alone, or newer there`,
    next: ({ integration }) => `crossfade status ${integration}`,
  },
]

export const ABANDON: Exit = {
  kind: 'abandon',
  side: 'legacy',
  phase: 'off',
  leaving: 'abandoning',
  pinned: 'legacy-only',
  end: 'bare',
  event: 'abandoned',
  needs: NEEDS,
}

export const abandonRisks = ({ obstacles: { mismatched, quarantined } }: LeaveFacts): readonly string[] => [
  'what new holds stays there: a later enrolment finds it foreign, and quarantines what differs from legacy by then',
  'writes wait, for about a second, until every replica reads legacy alone',
  ...(mismatched > 0 ? [`${mismatched} mismatches are open: legacy may hold something else than new`] : []),
  ...(quarantined > 0 ? [`${quarantined} secrets are in quarantine`] : []),
]
