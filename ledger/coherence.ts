import type { Address } from '../backends/secret.ts'
import type { Debt } from './ledger.ts'
import type { Memory } from './memory.ts'

/** How a replica tells the others; issue order does not matter, `seq` does. */
export interface Coherence {
  /**
   * Resolves when every replica that was live after the debt became durable knows of it, or its lease is over; the
   * own replica first. The debt must be durable before the call.
   */
  announce(debt: Debt): Promise<void>
  /** The secret owes nothing any more; may be lost or late. */
  strike(address: Address, seq: number): void
}

/** One replica alone: its own memory is all there is to tell. */
export const soleReplica = (memory: Memory): Coherence => ({
  announce: async (debt) => memory.debt(debt),
  strike: (address, seq) => memory.strike(address, seq),
})
