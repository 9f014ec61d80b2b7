import type { Clock } from '../../core/clock.ts'
import type { Enrolment } from '../enrolment.ts'
import { ledgerFault } from '../faults.ts'
import type { IntegrationRow, IntegrationState } from '../ledger.ts'
import type { Database } from './database.ts'
import type { Replicas } from './replicas.ts'

/** Who leads an integration out of the ledger, and why. */
export interface LeaveNote {
  readonly actor: string
  readonly reason: string | null
}

/** The event that a way out ends with. */
export type LeaveEvent = 'finalized' | 'abandoned'

/** `blocked`: so many secrets owe, or are being written; nothing was changed. */
export type LeaveAnswer =
  | { readonly kind: 'done'; readonly row: IntegrationRow }
  | { readonly kind: 'blocked'; readonly secrets: number }

/** The barriers over the replicas: `enrol`, `finalize` and `abandon` are made of these. */
export interface Stages {
  /** Throws `stage-refused` when the order or a row forbids it; asking for the state it is in changes nothing. */
  transition(integration: string, next: IntegrationState): Promise<IntegrationRow>
  /** `transition` to `enrolling`, with what it is enrolled with, which stays as it was first written. */
  enrol(integration: string, enrolment: Enrolment | null): Promise<IntegrationRow>
  /**
   * The same, written down as an event in the same commit. What is open gets half a second to end, in which begins wait.
   * Throws `stage-refused` when the order forbids it.
   */
  leave(integration: string, next: IntegrationState, note: LeaveNote): Promise<LeaveAnswer>
  /** Writes down what the rows say, once for each time that the integration came to this end; nothing where it did not. */
  complete(integration: string, event: LeaveEvent, note: LeaveNote): Promise<void>
  /** Drops the rows of an integration that is `finalized` or `bare`, in pieces; clients go by none of them. */
  purge(integration: string, signal: AbortSignal): Promise<void>
  /**
   * Resolves when every registered replica has put this epoch into effect. A replica whose lease ran out counts too: it
   * may still write without the ledger. Rejects with the signal's reason.
   */
  everyReplica(row: IntegrationRow, onWaiting: (names: readonly string[]) => void, signal: AbortSignal): Promise<void>
}

interface Refusal {
  readonly refused: 'order' | 'debts'
  readonly state: string
  readonly count?: number
}
type Answer = IntegrationRow | Refusal

/** How often the barrier looks again, in ms. */
const LOOK = 50
/** How long (ms) begins may be held up so that what is open ends: well under the ledger's statement timeout. */
const DRAIN = 500
/** Rows that one statement drops. */
const PIECE = 5000

export const makeStages = (database: Database, replicas: Pick<Replicas, 'registered'>, clock: Clock): Stages => ({
  transition: async (integration, next) => {
    const [row] = await database.patiently<{ answer: Answer }>('select crossfade.transition($1, $2) as answer', [
      integration,
      next,
    ])
    return rowIn(integration, next, row)
  },
  enrol: async (integration, enrolment) => {
    const [row] = await database.patiently<{ answer: Answer }>('select crossfade.enrol($1, $2::jsonb) as answer', [
      integration,
      enrolment === null ? null : JSON.stringify(enrolment),
    ])
    return rowIn(integration, 'enrolling', row)
  },
  leave: async (integration, next, note) => {
    const [row] = await database.patiently<{ answer: Answer }>(
      'select crossfade.leave($1, $2, $3::jsonb, $4) as answer',
      [integration, next, JSON.stringify(note), DRAIN],
    )
    const { answer } = row as { answer: Answer }
    if (!('refused' in answer)) return { kind: 'done', row: answer }
    if (answer.refused === 'debts') return { kind: 'blocked', secrets: answer.count ?? 0 }
    throw refused(integration, next, answer)
  },
  complete: async (integration, event, note) => {
    await database.patiently('select crossfade.complete($1, $2, $3::jsonb)', [integration, event, JSON.stringify(note)])
  },
  purge: async (integration, signal) => {
    for (let dropped = PIECE; dropped === PIECE; ) {
      signal.throwIfAborted()
      const [row] = await database.query<{ dropped: number }>(
        'crossfade-purge',
        'select crossfade.purge($1, $2) as dropped',
        [integration, PIECE],
      )
      dropped = row?.dropped ?? 0
    }
  },
  everyReplica: async ({ integration, epoch }, onWaiting, signal) => {
    for (;;) {
      const waiting = (await replicas.registered()).filter((r) => (r.applied[integration] ?? 0) < epoch)
      if (waiting.length === 0) return
      onWaiting(waiting.map((r) => r.name))
      await clock.sleep(LOOK, signal)
    }
  },
})

function rowIn(
  integration: string,
  next: IntegrationState,
  row: { readonly answer: Answer } | undefined,
): IntegrationRow {
  const { answer } = row as { answer: Answer }
  if (!('refused' in answer)) return answer
  throw refused(integration, next, answer)
}

function refused(integration: string, next: IntegrationState, { refused: by, state, count }: Refusal) {
  const why = by === 'order' ? `it is ${state}` : `${count} secrets are owed or being written`
  return ledgerFault('stage-refused', `${integration} cannot become ${next}: ${why}`)
}
