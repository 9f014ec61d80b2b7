import type { Random } from '../../bin/embedded/sample/random.ts'
import { SIDES } from '../../core/side.ts'
import { LIMITS } from './configuration.ts'
import type { RelayMode } from './relay.ts'
import type { ChaosSystem } from './system.ts'

/** Every fault that a run must have met often enough; `cut` comes on top. */
export type FaultKind = 'kill' | 'stop' | 'redis' | 'ledger' | 'hang' | 'refuse' | 'late' | 'cut'

interface Surroundings {
  readonly system: ChaosSystem
  readonly random: Random
  readonly pause: (ms: number) => Promise<void>
}

interface Fault {
  /** ms that it takes, roughly; the load is spread over the sum. */
  readonly takes: number
  /** Resolves when what was broken works again. */
  readonly strike: (around: Surroundings) => Promise<void>
}

/** Longer than the lease, so that the others take it away. */
const FROZEN_MS = LIMITS.replicaLease + 1000

/** A whole store for all replicas, or the way to it from one of them. */
const inRelay =
  (takes: number, mode: RelayMode): Fault['strike'] =>
  async ({ system, random, pause }) => {
    const side = random.pick(SIDES)
    const relays = random.chance(60) ? system.relays : [random.pick(system.relays)]
    for (const relay of relays) relay[side].set(mode)
    await pause(takes)
    for (const relay of relays) relay[side].set({ kind: 'pass' })
  }
const relayed = (takes: number, mode: RelayMode): Fault => ({ takes, strike: inRelay(takes, mode) })

export const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  kill: {
    takes: 3500,
    strike: async ({ system, random, pause }) => {
      const replica = random.pick(system.replicas)
      await replica.kill()
      await pause(random.below(1000))
      await replica.start()
    },
  },
  stop: {
    takes: FROZEN_MS,
    strike: async ({ system, random, pause }) => {
      const replica = random.pick(system.replicas)
      replica.freeze()
      await pause(FROZEN_MS)
      replica.thaw()
    },
  },
  redis: {
    takes: 800,
    strike: async ({ system, random, pause }) => system.redis?.restart(() => pause(random.below(1000))),
  },
  ledger: {
    takes: 2000,
    strike: ({ system, random, pause }) => system.restartLedger(() => pause(random.below(500))),
  },
  hang: relayed(2500, { kind: 'hang' }),
  refuse: relayed(1500, { kind: 'refuse' }),
  late: relayed(2000, { kind: 'late', delay: LIMITS.storeDeadline * 0.6 }),
  cut: relayed(400, { kind: 'cut' }),
}

/** Processes fail one after the other, and beside them the stores. */
const LANES: readonly (readonly FaultKind[])[] = [
  ['kill', 'stop', 'redis', 'ledger'],
  ['hang', 'refuse', 'late', 'cut'],
]
/** ms between two faults of a lane, up to. */
const GAP_MS = 1600

/** Faults that strike one after the other. */
export interface Lane {
  readonly kinds: readonly FaultKind[]
  /** How often each of them strikes at least. */
  readonly rounds: number
}

export interface Plan {
  readonly lanes: readonly Lane[]
  /** ms */
  readonly takes: number
}

/** Each kind so many times; the shorter lane gets more rounds. */
export function planFaults(times: number, hasRedis: boolean): Plan {
  const kinds = LANES.map((lane) => lane.filter((kind) => hasRedis || kind !== 'redis'))
  const takes = Math.max(...kinds.map((lane) => times * lengthOf(lane)))
  const lanes = kinds.map((lane) => ({ kinds: lane, rounds: Math.max(times, Math.round(takes / lengthOf(lane))) }))
  return { lanes, takes }
}

const lengthOf = (lane: readonly FaultKind[]): number =>
  lane.reduce((sum, kind) => sum + FAULTS[kind].takes + GAP_MS / 2, 0)

function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  const rest = [...list]
  return list.map(() => rest.splice(random.below(rest.length), 1)[0] as T)
}

export interface LaneOptions extends Surroundings {
  readonly struck: (kind: FaultKind) => void
  /** Resolves when this part, from 0 to 1, of the load was begun: on a slow machine the faults wait for it. */
  readonly reached: (part: number) => Promise<void>
  /** Enough was seen: no fault strikes any more. */
  readonly isOver: () => boolean
}

/** Strikes, each kind once a round, in any order; resolves with everything mended. */
export async function runLane({ kinds, rounds }: Lane, around: LaneOptions): Promise<void> {
  const all = Array.from({ length: rounds }, () => shuffled(kinds, around.random)).flat()
  for (const [index, kind] of all.entries()) {
    await around.reached(index / all.length)
    if (around.isOver()) return
    await FAULTS[kind].strike(around)
    around.struck(kind)
    await around.pause(around.random.below(GAP_MS))
  }
}
