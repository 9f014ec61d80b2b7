import type { Clock } from '../../core/clock.ts'
import { ledgerFault } from '../faults.ts'
import type { IntegrationRow, IntegrationState } from '../ledger.ts'
import type { Database } from './database.ts'
import type { Replicas } from './replicas.ts'

/** The barriers over the replicas: `enrol`, `finalize` and `abandon` are made of these. */
export interface Stages {
  /** Throws `stage-refused` when the order or a row forbids it; asking for the state it is in changes nothing. */
  transition(integration: string, next: IntegrationState): Promise<IntegrationRow>
  /**
   * Resolves when every registered replica has put this epoch into effect. A replica whose lease ran out counts too: it
   * may still write without the ledger. Rejects with the signal's reason.
   */
  everyReplica(row: IntegrationRow, onWaiting: (names: readonly string[]) => void, signal: AbortSignal): Promise<void>
}

type Answer = IntegrationRow | { readonly refused: 'order' | 'debts'; readonly state: string; readonly count?: number }

/** How often the barrier looks again, in ms. */
const LOOK = 50

export const makeStages = (database: Database, replicas: Pick<Replicas, 'registered'>, clock: Clock): Stages => ({
  transition: async (integration, next) => {
    const [row] = await database.query<{ answer: Answer }>(null, 'select crossfade.transition($1, $2) as answer', [
      integration,
      next,
    ])
    const answer = (row as { answer: Answer }).answer
    if (!('refused' in answer)) return answer
    const why =
      answer.refused === 'order' ? `it is ${answer.state}` : `${answer.count} secrets are owed or being written`
    throw ledgerFault('stage-refused', `${integration} cannot become ${next}: ${why}`)
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
