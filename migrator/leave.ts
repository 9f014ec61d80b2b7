import { otherSide, type Side } from '../core/side.ts'
import type { Outlook } from '../flags/outlook.ts'
import type { Phase } from '../flags/phase.ts'
import { ledgerFault } from '../ledger/faults.ts'
import type { IntegrationRow, IntegrationState } from '../ledger/ledger.ts'
import type { Obstacles, Proof } from '../ledger/postgres/proof.ts'
import type { LeaveEvent, LeaveNote } from '../ledger/postgres/stages.ts'
import { type SettleDeps, settle } from '../ledger/settle.ts'
import type { EnrolDeps } from './enrol.ts'
import { migratorFault } from './faults.ts'
import { makePatience, persist, untilOver, waitInSlice } from './patience.ts'
import { lookAtUnseen, type UnseenDeps } from './prove.ts'
import { rowOf } from './row.ts'
import type { LeaveKind, More, Watch } from './stages.ts'
import { type Unaddressed, unaddressedWords } from './unaddressed.ts'

/*
 * The way out of the ledger, the same to either side: proof -> `leaving`: begin admits only the plan that writes the side
 * that stays; every registered replica runs it, and what the other side still has alone is settled -> `pinned`: nothing is
 * owed and nothing open, judged in the statement that makes the change; every replica drops its memory and reads that
 * side alone, while writes wait -> `end`: writes without the ledger; the report is kept and the rows are dropped. Each state
 * is durable, so a run that is repeated goes on where one stopped; until `pinned` there is a way back to `enrolled`.
 */
export interface Exit {
  readonly kind: LeaveKind
  /** The side that stays. */
  readonly side: Side
  /** What every cohort must ask for and run. */
  readonly phase: Phase
  readonly leaving: IntegrationState
  readonly pinned: IntegrationState
  readonly end: IntegrationState
  readonly event: LeaveEvent
  readonly needs: readonly Need[]
}

/** One part of the proof: what is missing, as a sentence, or null; and the command that helps. */
export interface Need {
  readonly missing: (facts: LeaveFacts) => string | null
  readonly next: (facts: LeaveFacts) => string
}

export interface LeaveFacts {
  readonly integration: string
  readonly state: IntegrationState
  readonly inventoried: boolean
  readonly outlook: readonly Outlook[]
  readonly soaking: readonly Soaking[]
  readonly obstacles: Obstacles
  /** Secrets of legacy that no address leads to, beyond those that somebody accepted to leave behind: a sentence, or null. */
  readonly unaddressed: string | null
}

/** A cohort that has not run `complete` for as long as is asked before the end. */
export interface Soaking {
  readonly cohort: string
  /** ms */
  readonly left: number
}

export interface LeaveDeps extends EnrolDeps, SettleDeps, UnseenDeps {
  readonly proof: Proof
  /** What the flags ask for, and what runs, by cohort. */
  readonly outlook: (integration: string) => readonly Outlook[]
  /** None: the soak is over, or none is asked. */
  readonly soaking: (integration: string) => readonly Soaking[]
  /** What no address leads to in legacy, and how many of them an operator accepted. */
  readonly unaddressed: (integration: string) => Promise<Unaddressed>
  readonly acceptedUnaddressed: (integration: string) => Promise<number>
  readonly batch: number
  readonly lease: number
  /** Whether finalizing this integration ends the fingerprint key. */
  readonly endsKey: (integration: string) => Promise<boolean>
  /** Called each time that a run finds the integration finalized. */
  readonly onFinalized: (integration: string, note: LeaveNote) => Promise<void>
}

export type CompletionReport = Readonly<Record<string, unknown>>

/** A run on its way out: what it leads to, and who asked for it. */
export interface Leaving {
  readonly deps: LeaveDeps
  readonly exit: Exit
  readonly integration: string
  readonly note: LeaveNote
  readonly watch: Watch
}

export async function factsOf(
  deps: Pick<LeaveDeps, 'integrations' | 'proof' | 'outlook' | 'soaking' | 'unaddressed' | 'acceptedUnaddressed'>,
  exit: Exit,
  integration: string,
): Promise<LeaveFacts> {
  const row = await rowOf(deps, integration)
  return {
    integration,
    state: row?.state ?? 'bare',
    inventoried: row?.inventoried ?? false,
    outlook: deps.outlook(integration),
    soaking: deps.soaking(integration),
    obstacles: await deps.proof.obstacles(integration, exit.side),
    unaddressed: exit.side === 'new' ? await unaddressedOf(deps, integration) : null,
  }
}

/** A legacy that does not answer is no reason to stay: it may be gone for good by then. */
async function unaddressedOf(
  deps: Pick<LeaveDeps, 'unaddressed' | 'acceptedUnaddressed'>,
  integration: string,
): Promise<string | null> {
  const found = await deps.unaddressed(integration)
  if (found.total === 0 || found.total <= (await deps.acceptedUnaddressed(integration))) return null
  return unaddressedWords(found)
}

/** What is missing of the proof, each with the command that helps; empty: it is whole. */
export const missingOf = ({ needs, pinned, end }: Exit, facts: LeaveFacts) =>
  (facts.state === pinned || facts.state === end ? [] : needs).flatMap(({ missing, next }) => {
    const why = missing(facts)
    return why === null ? [] : [{ why, next: next(facts) }]
  })

/** Throws `proof-missing` with everything that is missing. Nothing is changed. */
export async function prove(leaving: Leaving): Promise<string | null> {
  const { deps, exit, integration, watch } = leaving
  const facts = await persist(deps, watch.signal, () => factsOf(deps, exit, integration))
  const missing = missingOf(exit, facts)
  if (missing.length > 0) throw migratorFault('proof-missing', missing.map(({ why }) => why).join('; '))
  if (exit.kind === 'abandon' || facts.state === exit.pinned || facts.state === exit.end) return null
  const seen = await lookAtUnseen(deps, integration, exit.side, watch)
  if (seen.wrong > 0) throw migratorFault('proof-missing', `${seen.wrong} secrets on new are not what the ledger knows`)
  return seen.stopped
}

/** Null: done. A sentence: what stands in the way. `More`: the next slice looks at the state anew. */
export type Way = string | null | More

/** Every replica runs the last phase, and the side that stays holds every latest value. */
export async function drain(leaving: Leaving): Promise<Way> {
  const { deps, exit, integration, watch } = leaving
  const state = await stateOf(leaving)
  if (state === 'enrolled') await step(leaving, exit.leaving)
  else if (state !== exit.leaving) return null
  if ((await barrier(leaving)) === 'over') return { kind: 'more', at: watch.from }
  const owed = () => persist(deps, watch.signal, () => deps.proof.obstacles(integration, exit.side))
  const patience = makePatience({ clock: deps.clock, limit: deps.patience, idle: idleOf(watch) })
  for (let left = (await owed()).owed; left > 0; left = (await owed()).owed) {
    watch.waiting([`${left} secrets that ${exit.side} owes`])
    if ((await settlePass(leaving)) > 0) patience.well()
    else if (!(await waitInSlice(patience, watch))) return `${left} secrets could not be settled`
    if (watch.over.aborted) return { kind: 'more', at: { idle: patience.idle() } }
  }
  watch.waiting([])
  return null
}

/** One side is pinned, and every replica has heard. */
export async function pin(leaving: Leaving): Promise<Way> {
  const { deps, exit, watch } = leaving
  const patience = makePatience({ clock: deps.clock, limit: deps.patience, idle: idleOf(watch) })
  while ((await stateOf(leaving)) === exit.leaving) {
    const answer = await step(leaving, exit.pinned)
    if (answer.kind === 'done') break
    watch.waiting([`${answer.secrets} secrets that are owed or being written`])
    if ((await settlePass(leaving)) > 0) patience.well()
    else if (!(await waitInSlice(patience, watch))) return `${answer.secrets} secrets are owed or being written`
    if (watch.over.aborted) return { kind: 'more', at: { idle: patience.idle() } }
  }
  if ((await stateOf(leaving)) === exit.pinned && (await barrier(leaving)) === 'over')
    return { kind: 'more', at: watch.from }
  return null
}

/** The ledger forgets the integration; answers the report. Safe to repeat. */
export async function drop(leaving: Leaving): Promise<CompletionReport | null> {
  const { deps, exit, integration, note, watch } = leaving
  const state = await stateOf(leaving)
  // An enrolment that is not over has nothing that new could hold alone: it is left as it was entered.
  if (state === exit.pinned || (exit.kind === 'abandon' && state === 'enrolling')) await step(leaving, exit.end)
  // Writes go on from here: nobody waits while the rows are counted and dropped, however many there are.
  await persist(deps, watch.signal, () => deps.stages.complete(integration, exit.event, note))
  await persist(deps, watch.signal, () => deps.stages.purge(integration, watch.signal))
  if (exit.kind === 'finalize') await persist(deps, watch.signal, () => deps.onFinalized(integration, note))
  const detail = await persist(deps, watch.signal, () => deps.proof.report(integration, exit.event))
  return detail === null ? null : { integration, ...detail }
}

/** Back to enrolled, possible until one side is pinned. Throws `stage-refused` from then on. */
export async function backOut(
  deps: Pick<LeaveDeps, 'stages' | 'integrations'>,
  exit: Exit,
  integration: string,
  note: Leaving['note'],
): Promise<void> {
  const row = await rowOf(deps, integration)
  if (row?.state !== exit.leaving) {
    throw ledgerFault('stage-refused', `${integration} is ${row?.state ?? 'bare'}, not ${exit.leaving}`)
  }
  await deps.stages.leave(integration, 'enrolled', note)
}

const stateOf = async ({ deps, integration, watch }: Leaving): Promise<IntegrationState> =>
  (await persist(deps, watch.signal, () => rowOf(deps, integration)))?.state ?? 'bare'

const step = ({ deps, integration, note, watch }: Leaving, next: IntegrationState) =>
  persist(deps, watch.signal, () => deps.stages.leave(integration, next, note))

const barrier = ({ deps, integration, watch }: Leaving): Promise<'through' | 'over'> =>
  untilOver<'through'>(watch, async (signal) => {
    await persist(deps, signal, async () => {
      const row = (await rowOf(deps, integration)) as IntegrationRow
      await deps.stages.everyReplica(row, watch.waiting, signal)
    })
    watch.waiting([])
    return 'through'
  })

/** ms for which the slices before had waited in vain. */
const idleOf = ({ from }: Watch): number => (from as { readonly idle: number } | null)?.idle ?? 0

/** How many secrets were made equal; debts that the last phase leaves on purpose are not touched. */
async function settlePass({ deps, exit, integration, watch }: Leaving): Promise<number> {
  const query = { integration, source: otherSide(exit.side), limit: deps.batch, lease: deps.lease }
  const reports = await persist(deps, watch.signal, () => settle(deps, query, watch.signal))
  return reports.filter(({ kind }) => kind === 'equal').length
}
