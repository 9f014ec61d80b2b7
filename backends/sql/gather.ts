import { unlessAborted } from '../abort.ts'
import { type Address, addressKey } from '../secret.ts'
import type { Call, GetOutcome, PutOutcome, PutRequest } from '../store.ts'
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
  many: (addresses: readonly Address[], call: Call) => Promise<readonly GetOutcome[]>,
): (address: Address, call: Call) => Promise<GetOutcome> {
  let waiting: Waiting[] = []
  const together = (batch: readonly Waiting[]): void => {
    const shared = sharedCall(batch.map(({ call }) => call))
    const outcomes = many(
      batch.map(({ address }) => address),
      shared,
    )
    batch.forEach(({ call, resolve }, at) => {
      resolve(
        unlessAborted(
          outcomes.then((all) => all[at] as GetOutcome),
          call.signal,
          TIMED_OUT,
        ),
      )
    })
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

/**
 * Writes in rounds in which no secret occurs twice (a statement applies one change a row), each sorted by address (two
 * batches then lock in the same order), and puts the outcomes back into the order of the requests.
 */
export async function inRounds(
  puts: readonly PutRequest[],
  write: (round: readonly PutRequest[]) => Promise<readonly PutOutcome[]>,
): Promise<readonly PutOutcome[]> {
  const outcomes = new Array<PutOutcome>(puts.length)
  let left = puts.map((put, at) => ({ put, at, key: addressKey(put.address) }))
  while (left.length > 0) {
    const seen = new Set<string>()
    const round: typeof left = []
    const later: typeof left = []
    for (const item of left) (seen.has(item.key) ? later : round).push(seen.add(item.key) && item)
    round.sort((a, b) => (a.key < b.key ? -1 : 1))
    const answers = await write(round.map(({ put }) => put))
    round.forEach(({ at }, n) => {
      outcomes[at] = answers[n] as PutOutcome
    })
    left = later
  }
  return outcomes
}
