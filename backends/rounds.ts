import { addressKey } from './secret.ts'
import type { PutOutcome, PutRequest } from './store.ts'

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
