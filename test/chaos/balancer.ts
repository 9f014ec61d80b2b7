import type { Random } from '../../bin/embedded/sample/random.ts'
import type { Clock } from '../../core/clock.ts'
import type { ReplicaProcess } from './replica.ts'

/** What stands before the replicas: a random one of those that are not full and did not refuse a moment ago. */
export interface Balancer {
  take(): Promise<ReplicaProcess>
  /** `code`: how the request failed, or null. */
  give(replica: ReplicaProcess, code: string | null): void
}

export interface BalancerOptions {
  readonly replicas: readonly ReplicaProcess[]
  readonly random: Random
  readonly clock: Clock
  /** Requests that one replica is given at once; one that does not answer gets no more. */
  readonly full: number
}

const SHUNNED_MS = 700
const LOOK_MS = 20

export function makeBalancer({ replicas, random, clock, full }: BalancerOptions): Balancer {
  const open = new Map<ReplicaProcess, number>(replicas.map((replica) => [replica, 0]))
  const shunned = new Map<ReplicaProcess, number>()
  const isFit = (replica: ReplicaProcess): boolean =>
    (open.get(replica) ?? 0) < full && (shunned.get(replica) ?? 0) < clock.monotonic()
  return {
    take: async () => {
      let fit = replicas.filter(isFit)
      while (fit.length === 0) {
        await clock.sleep(LOOK_MS)
        fit = replicas.filter(isFit)
      }
      const replica = random.pick(fit)
      open.set(replica, (open.get(replica) ?? 0) + 1)
      return replica
    },
    give: (replica, code) => {
      open.set(replica, (open.get(replica) ?? 0) - 1)
      if (code === 'server-unreachable') shunned.set(replica, clock.monotonic() + SHUNNED_MS)
    },
  }
}
