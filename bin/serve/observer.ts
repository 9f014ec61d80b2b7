import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import { newestName } from '../../flags/history.ts'
import type { FlagsMetrics } from '../../flags/metrics.ts'
import type { Outlook } from '../../flags/outlook.ts'
import { PHASES, type Phase, phaseRank } from '../../flags/phase.ts'
import type { IntegrationState } from '../../ledger/ledger.ts'
import type { DebtCount } from '../../ledger/postgres/owing.ts'
import type { Counts } from '../../ledger/postgres/progress.ts'
import type { MigratorMetrics } from '../../migrator/metrics.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import type { FlagParts } from './flags.ts'

/*
 * Gauges whose truth lies elsewhere: phases in the flags, secrets and debts in the ledger. A scrape reads what was seen last, so
 * that it waits for nothing and asks nobody. Phases are looked at every second, but only when something changed or a date in a
 * flag may have passed; a few integrations a turn, since a ladder of hundreds takes a while. Counting takes at most a twentieth
 * of the time, in every process: debts that nobody settles are just the ones that must be seen.
 */
export interface Observer {
  /** Looks until aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Phases, states and owners, as they are now. */
  lookAtPhases(): Promise<void>
  /** Secrets and debts; what was counted before stays where the ledger does not answer. */
  count(): Promise<void>
}

export interface ObserverParts {
  readonly config: Pick<CrossfadeConfig, 'integrations'>
  readonly flags: Pick<FlagParts, 'integrations' | 'outlook' | 'caps'> & {
    readonly phases: Pick<FlagParts['phases'], 'history'>
    readonly cohorts: Pick<FlagParts['cohorts'], 'names'>
  }
  readonly state: (integration: string) => IntegrationState | null
  /** Of each of these, all customers together. */
  readonly counts: (integrations: readonly string[]) => Promise<ReadonlyMap<string, Counts>>
  readonly debts: () => Promise<readonly DebtCount[]>
  /** How many workers are alive. */
  readonly workers: () => Promise<number>
  readonly metrics: { readonly flags: FlagsMetrics; readonly migrator: MigratorMetrics }
  /** Told what was seen, after every change. */
  readonly onPhases?: (outlooks: readonly (readonly Outlook[])[]) => void
  readonly clock: Clock
  /** ms between two counts, at least. */
  readonly sample: number
}

const EVERY = 1000
/** ms after which phases are looked at although nothing is known to have changed: flags hold dates. */
const AGAIN = 15_000
/** Integrations in one turn of the event loop. */
const TURN = 20
/** Of the counts, those that a burndown is drawn from. */
const STATES = ['discovered', 'copied', 'verified', 'mismatched', 'quarantined', 'left'] as const

export function makeObserver(parts: ObserverParts): Observer {
  const { flags, clock, sample } = parts
  const { migrator } = parts.metrics
  let seen = { what: '', at: Number.NEGATIVE_INFINITY }
  let next = Number.NEGATIVE_INFINITY

  const lookAtPhases = async (): Promise<void> => {
    const outlooks: (readonly Outlook[])[] = []
    for (const integration of flags.integrations) {
      outlooks.push(flags.outlook(integration))
      if (outlooks.length % TURN === 0) await nextTurn()
    }
    showPhases(parts, outlooks)
    parts.onPhases?.(outlooks)
  }

  const whatChanges = (): string => {
    const each = flags.integrations.map((name) => `${newestName(flags.phases.history(name))} ${parts.state(name)}`)
    return [flags.caps.version(), flags.cohorts.names.join(), ...each].join()
  }

  const followPhases = async (): Promise<void> => {
    const what = whatChanges()
    const now = clock.monotonic()
    if (what === seen.what && now - seen.at < AGAIN) return
    seen = { what, at: now }
    await lookAtPhases()
  }

  const count = async (): Promise<void> => {
    const tracked = flags.integrations.filter((name) => !UNTRACKED.has(parts.state(name)))
    const [counts, debts, workers] = await Promise.all([
      tracked.length === 0 ? new Map<string, Counts>() : parts.counts(tracked),
      parts.debts(),
      parts.workers(),
    ])
    migrator.workers.set(workers)
    migrator.secrets.reset()
    for (const [integration, own] of counts)
      for (const state of STATES) migrator.secrets.set({ integration, state }, own[state])
    showDebts(migrator, tracked, debts)
  }

  const followCounts = async (): Promise<void> => {
    const started = clock.monotonic()
    if (started < next) return
    await count().catch(() => undefined)
    next = clock.monotonic() + Math.max(sample, 20 * (clock.monotonic() - started))
  }

  return {
    lookAtPhases,
    count,
    run: async (signal) => {
      while (!signal.aborted) {
        await followPhases()
        await followCounts()
        await clock.sleep(EVERY, signal).catch(() => undefined)
      }
    },
  }
}

/** Of these the ledger has no rows, or none that anybody waits for. */
const UNTRACKED: ReadonlySet<IntegrationState | null> = new Set([null, 'bare', 'finalized'])

function showPhases({ config, state, metrics }: ObserverParts, outlooks: readonly (readonly Outlook[])[]): void {
  const { requested, effective, integrations, info } = metrics.flags
  for (const gauge of [requested, effective, info]) gauge.reset()
  const highest = new Map<Phase, number>(PHASES.map((phase) => [phase, 0]))
  for (const own of outlooks) {
    for (const { integration, cohort, requested: asked, runs } of own) {
      requested.set({ integration, cohort }, phaseRank(asked))
      effective.set({ integration, cohort }, phaseRank(runs))
    }
    const top = PHASES[Math.max(0, ...own.map(({ runs }) => phaseRank(runs)))] ?? 'off'
    highest.set(top, (highest.get(top) ?? 0) + 1)
  }
  for (const [phase, count] of highest) integrations.set({ phase }, count)
  for (const [integration, section] of Object.entries(config.integrations)) {
    const { owner, legacy, new: fresh } = section
    info.set({ integration, owner: owner ?? 'nobody', legacy, new: fresh, state: state(integration) ?? 'unknown' }, 1)
  }
}

/** Zeros, too, so that an alert sees a debt appear and go. */
function showDebts(metrics: MigratorMetrics, tracked: readonly string[], debts: readonly DebtCount[]): void {
  metrics.debts.reset()
  metrics.stuck.reset()
  for (const integration of tracked) {
    for (const fresh of ['legacy', 'new'] as const) metrics.debts.set({ integration, fresh }, 0)
    metrics.stuck.set({ integration }, 0)
  }
  for (const { integration, fresh, debts: owed, stuck } of debts) {
    metrics.debts.set({ integration, fresh }, owed)
    metrics.stuck.inc({ integration }, stuck)
  }
}
