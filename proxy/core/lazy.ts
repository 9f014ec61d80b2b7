import { type Address, addressKey } from '../../backends/secret.ts'
import type { Coherence } from '../../ledger/coherence.ts'
import type { FinishRequest, Ledger } from '../../ledger/ledger.ts'

/**
 * Steps that may be late or lost: a lost finish costs a settle, never a value. They are sent at once, gathered by group
 * commit, and nobody waits for them except the next write of the same secret and the end of the process.
 */
export interface Lazy {
  finish(request: FinishRequest): void
  known(address: Address, seq: number): void
  /** Resolves when this secret has no lazy step on its way. */
  pending(address: Address): Promise<void>
  flush(): Promise<void>
}

export function makeLazy(ledger: Pick<Ledger, 'finish' | 'known'>, coherence: Pick<Coherence, 'strike'>): Lazy {
  const open = new Map<string, Promise<void>>()

  const track = (address: Address, step: Promise<void>): void => {
    const key = addressKey(address)
    const earlier = open.get(key)
    const tracked: Promise<void> = Promise.allSettled([earlier, step]).then(() => {
      if (open.get(key) === tracked) open.delete(key)
    })
    open.set(key, tracked)
  }

  return {
    finish: (request) => {
      const step = ledger.finish(request).then((answer) => {
        if (answer.kind === 'done' && answer.fresh === 'both') coherence.strike(request.address, answer.seq)
      })
      track(request.address, step)
    },
    known: (address, seq) => track(address, ledger.known(address, seq)),
    pending: (address) => open.get(addressKey(address)) ?? Promise.resolve(),
    flush: async () => {
      while (open.size > 0) await Promise.all(open.values())
    },
  }
}
