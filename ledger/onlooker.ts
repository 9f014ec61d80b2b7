import type { Ledger } from './ledger.ts'
import type { Memory } from './memory.ts'
import type { Replica } from './replica.ts'

/*
 * In the place of a replica, in a process that serves nobody: it follows the states of the integrations, and that is all. It
 * has no lease and no registration, so that no writer and no barrier ever waits for it, and its memory is never trusted.
 */
export function makeOnlooker(options: {
  readonly id: string
  readonly ledger: Pick<Ledger, 'integrations'>
  readonly memory: Memory
  /** Told after each attempt whether the ledger answered. */
  readonly onLedger?: (answers: boolean) => void
}): Replica {
  const { id, ledger, memory } = options
  let reached = false

  const look = async (): Promise<void> => {
    memory.learn(await ledger.integrations())
    reached = true
  }
  const refresh = (): Promise<void> =>
    look().then(
      () => options.onLedger?.(true),
      () => options.onLedger?.(false),
    )
  return {
    id,
    memory,
    start: look,
    keep: refresh,
    refresh,
    trusted: () => false,
    state: (integration) => (reached ? (memory.integration(integration)?.state ?? 'bare') : null),
    inventoried: (integration) => memory.integration(integration)?.inventoried ?? false,
    distrust: () => undefined,
    stop: async () => undefined,
  }
}
