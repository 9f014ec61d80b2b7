import type { Clock } from '../../core/clock.ts'
import type { RegisteredReplica, Replicas } from '../../ledger/postgres/replicas.ts'

/*
 * On how many of the live replicas a change of the caps runs: each acknowledges the message, or records in its row which
 * revision it runs. While the ledger is away those count that were last known.
 */

/** Replicas that run the caps now, of those that live. */
export interface Reached {
  readonly applied: number
  readonly of: number
}

/** No integration can have this name. */
export const CAPS_KEY = '*caps'
/** ms to wait for the others, and how often the ledger is asked meanwhile. */
export const BOUND = 1000
const LOOK = 25
/** ms after which a replica without a lease, and without any sign of life, is not waited for. */
export const SILENCE = 5000

export interface CapReach {
  /** A change is about to be told under this id. */
  begin(round: string): void
  acknowledge(round: string, by: string): void
  /** `revision` null: nothing durable can say who has it, only who answers. Waits at most `BOUND`. */
  reached(round: string, revision: number | null): Promise<Reached>
  /** Who runs this revision now, without waiting; as last known if the ledger is away. */
  now(revision: number): Promise<Reached>
  /** Looks who lives; rejects with `ledger-unavailable`. */
  look(): Promise<readonly RegisteredReplica[]>
  /** Also those that have been silent for long. */
  registered(): Promise<readonly RegisteredReplica[]>
}

export interface CapReachParts {
  readonly self: string
  readonly replicas: Pick<Replicas, 'registered'>
  readonly clock: Clock
  readonly onLive?: (count: number) => void
}

export function makeCapReach({ self, replicas, clock, onLive }: CapReachParts): CapReach {
  const acknowledged = new Map<string, Set<string>>()
  let known: readonly RegisteredReplica[] = []

  const look = async (): Promise<readonly RegisteredReplica[]> => {
    const all = await replicas.registered()
    known = all.filter((replica) => replica.live || (replica.silentFor ?? 0) < SILENCE)
    onLive?.(all.filter(({ live }) => live).length)
    return known
  }
  const runs = (replica: RegisteredReplica, revision: number): boolean => (replica.applied[CAPS_KEY] ?? -1) >= revision
  const countOf = (seen: readonly RegisteredReplica[], has: (replica: RegisteredReplica) => boolean): Reached => {
    const others = seen.filter(({ id }) => id !== self)
    return { applied: others.filter(has).length + 1, of: others.length + 1 }
  }

  return {
    look,
    registered: replicas.registered,
    begin: (round) => void acknowledged.set(round, new Set()),
    acknowledge: (round, by) => void acknowledged.get(round)?.add(by),
    now: async (revision) => countOf(await look().catch(() => known), (replica) => runs(replica, revision)),
    reached: async (round, revision) => {
      const has = (replica: RegisteredReplica): boolean =>
        acknowledged.get(round)?.has(replica.id) || (revision !== null && runs(replica, revision))
      const stop = new AbortController()
      const end = clock.monotonic() + BOUND
      const over = clock.sleep(BOUND, stop.signal).then(
        () => known,
        () => known,
      )
      try {
        for (;;) {
          const seen = await Promise.race([look().catch(() => known), over])
          const reached = countOf(seen, has)
          if (reached.applied === reached.of || clock.monotonic() >= end) return reached
          await clock.sleep(LOOK)
        }
      } finally {
        stop.abort()
        acknowledged.delete(round)
      }
    },
  }
}
