import { type Answers, answersTo, itself } from './answers.ts'
import { addressKey } from './secret.ts'
import type { PutOutcome, PutRequest } from './store.ts'

/**
 * Writes in rounds in which no secret occurs twice (a statement applies one change a row), each sorted by address (two
 * batches then lock in the same order).
 */
export async function inRounds(
  puts: readonly PutRequest[],
  write: (round: readonly PutRequest[]) => Promise<Answers<PutRequest, PutOutcome>>,
): Promise<Answers<PutRequest, PutOutcome>> {
  const outcomes = new Map<PutRequest, PutOutcome>()
  let left = puts.map((put) => ({ put, key: addressKey(put.address) }))
  while (left.length > 0) {
    const seen = new Set<string>()
    const round: typeof left = []
    const later: typeof left = []
    for (const item of left) (seen.has(item.key) ? later : round).push(seen.add(item.key) && item)
    round.sort((a, b) => (a.key < b.key ? -1 : 1))
    const answers = await write(round.map(({ put }) => put))
    for (const { put } of round) outcomes.set(put, answers.of(put))
    left = later
  }
  return answersTo(puts, itself, (put) => outcomes.get(put) as PutOutcome)
}
