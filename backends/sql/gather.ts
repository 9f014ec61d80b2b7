import { unlessAborted } from '../abort.ts'
import type { Answers } from '../answers.ts'
import type { Address } from '../secret.ts'
import type { Call, GetOutcome } from '../store.ts'
import { sharedCall } from './shared-call.ts'

interface Waiting {
  readonly address: Address
  readonly call: Call
  readonly resolve: (outcome: GetOutcome | Promise<GetOutcome>) => void
}

const TIMED_OUT: GetOutcome = { kind: 'error', reason: 'timeout', passing: true }

/**
 * Gathers the reads of one turn of the event loop: those that arrive together share a round trip, and one that
 * arrives alone waits for nothing but the end of the turn.
 */
export function gatherGets(
  max: number,
  one: (address: Address, call: Call) => Promise<GetOutcome>,
  many: (addresses: readonly Address[], call: Call) => Promise<Answers<Address, GetOutcome>>,
): (address: Address, call: Call) => Promise<GetOutcome> {
  let waiting: Waiting[] = []
  const together = (batch: readonly Waiting[]): void => {
    const shared = sharedCall(batch.map(({ call }) => call))
    const outcomes = many(
      batch.map(({ address }) => address),
      shared,
    )
    for (const { address, call, resolve } of batch) {
      const own = outcomes.then((all) => all.of(address))
      resolve(unlessAborted(own, call.signal, TIMED_OUT))
    }
  }
  const flush = (): void => {
    const all = waiting
    waiting = []
    for (let from = 0; from < all.length; from += max) {
      const batch = all.slice(from, from + max)
      const [first] = batch
      if (batch.length === 1 && first) first.resolve(one(first.address, first.call))
      else together(batch)
    }
  }
  return (address, call) =>
    new Promise((resolve) => {
      if (waiting.push({ address, call, resolve }) === 1) setImmediate(flush)
    })
}
