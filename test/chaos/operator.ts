import type { Random } from '../../bin/embedded/sample/random.ts'
import type { Clock } from '../../core/clock.ts'
import { makeFlagFile } from '../../flags/flag-file.ts'
import { PHASES, type Phase } from '../../flags/phase.ts'
import { waitUntil } from '../story/operator.ts'
import type { ReplicaProcess } from './replica.ts'
import { COHORTS, INTEGRATIONS } from './secrets.ts'

/*
 * The operator of a chaos run. Each replica follows a flags file of its own; a flip reaches them one after the other, and
 * some flips send each replica to a phase of its own. Any mix of phases is allowed.
 */
export interface Operator {
  readonly flips: () => number
  /** Enrols and copies every integration; resolves when that is done. */
  migrateAll(): Promise<void>
  /** One cohort of one integration to any phase. */
  flip(): Promise<void>
  /** Every cohort to a phase in which nothing is owed on purpose. */
  flipBetween(): Promise<void>
  /** Starts a migration or a verification wherever a replica answers. Never rejects. */
  nudge(): Promise<void>
  /** Secrets that one side owes, are quarantined, or differ, as a replica counts them. */
  left(): Promise<Left>
}

export interface Left {
  readonly owed: number
  readonly quarantined: number
  readonly mismatched: number
}

export interface OperatorOptions {
  readonly replicas: readonly ReplicaProcess[]
  readonly random: Random
  readonly clock: Clock
  readonly signal: AbortSignal
}

const REASON = 'chaos'
const MIGRATE_MS = 60_000
/** ms between the first and the last replica that hears of a flip, up to. */
const SPREAD_MS = 2000
/** Of a hundred flips, so many send each replica to a phase of its own. */
const SPLIT = 40
const BETWEEN: readonly Phase[] = ['dualwrite', 'shadow', 'live', 'rampdown']

export function makeOperator({ replicas, random, clock, signal }: OperatorOptions): Operator {
  const files = replicas.map(({ flags }) => makeFlagFile(flags))
  let flips = 0

  /** `phase` is asked once for each replica. */
  const set = async (integration: string, cohort: string, phase: () => Phase): Promise<void> => {
    flips += 1
    await Promise.all(
      files.map(async (file) => {
        await clock.sleep(random.below(SPREAD_MS), signal).catch(() => undefined)
        await file.set([{ integration, cohort, phase: phase() }])
      }),
    )
  }
  const same = (phase: Phase) => (): Phase => phase
  const anyPhase = (): Phase => random.pick(PHASES)
  const anyCohort = (): string => random.pick(COHORTS).name

  const migrate = async (integration: string): Promise<void> => {
    const [{ ops }] = replicas as readonly [ReplicaProcess]
    await ops.call('migrate', { body: { integration, execute: true, reason: REASON } }, signal)
    const holds = async (): Promise<boolean> => {
      const { run } = await ops.call('progress', { params: { integration } }, signal)
      if (run === null || run.ended_at === null) return false
      // Clients write meanwhile, so a verification may find what is just being written.
      if (run.outcome === 'done' || run.outcome === 'mismatches') return true
      throw new Error(`migrate ${integration} ended ${run.outcome} in ${run.stage}: ${run.message}`)
    }
    await waitUntil({ what: `migrate ${integration}`, limit: MIGRATE_MS, holds, clock, signal })
  }
  return {
    flips: () => flips,
    migrateAll: async () => {
      await Promise.all(INTEGRATIONS.map(migrate))
    },
    flip: () => set(random.pick(INTEGRATIONS), anyCohort(), random.chance(SPLIT) ? anyPhase : same(anyPhase())),
    flipBetween: async () => {
      for (const integration of INTEGRATIONS) {
        for (const { name } of COHORTS) await set(integration, name, same(random.pick(BETWEEN)))
      }
    },
    nudge: async () => {
      const up = replicas.filter(({ state }) => state === 'up')
      if (up.length === 0) return
      const body = { integration: random.pick(INTEGRATIONS), execute: true, reason: REASON }
      const { ops } = random.pick(up)
      await (random.chance(50) ? ops.call('migrate', { body }, signal) : ops.call('verify', { body }, signal)).catch(
        () => undefined,
      )
    },
    left: async () => {
      const { integrations } = await (replicas[0] as ReplicaProcess).ops.call('status', { query: {} }, signal)
      const sum = (pick: (counts: NonNullable<(typeof integrations)[number]['counts']>) => number): number =>
        integrations.reduce((all, { counts }) => all + (counts === null ? Number.NaN : pick(counts)), 0)
      return {
        owed: sum(({ left }) => left),
        quarantined: sum(({ quarantined }) => quarantined),
        mismatched: sum(({ mismatched }) => mismatched),
      }
    },
  }
}
