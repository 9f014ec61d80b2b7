import type { Clock } from '../../core/clock.ts'
import type { HistoryRecord } from './history.ts'
import { get } from './operations.ts'
import type { ReplicaProcess } from './replica.ts'
import { placeOf, SECRETS } from './secrets.ts'

const AT_ONCE = 8

/** ms in which a replica may still find out that a store answers again: a ping that waits, and a few resets of the breaker. */
const RECOVERY_MS = 5000

/**
 * Every secret through every replica, when all has ended. Rejects if one cannot be read: nothing excuses it any more, but that
 * a store was found to be away a moment ago.
 */
export async function lookAtAll(replicas: readonly ReplicaProcess[], clock: Clock): Promise<readonly HistoryRecord[]> {
  const seen: HistoryRecord[] = []
  const waiting = SECRETS.flatMap((address) => replicas.map((replica) => ({ address, replica })))
  const recovered = clock.monotonic() + RECOVERY_MS
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { acted } = await get({ ...next, id: `last of ${next.replica.name}`, clock }, true)
      if (acted.code === 'store-unavailable' && clock.monotonic() < recovered) {
        waiting.unshift(next)
        await clock.sleep(50)
        continue
      }
      if (acted.code !== null) throw new Error(`${placeOf(next.address)} through ${next.replica.name}: ${acted.code}`)
      seen.push(...acted.record)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return seen
}
