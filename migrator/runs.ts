import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { Journal } from '../ledger/postgres/journal.ts'
import type { Counts } from '../ledger/postgres/progress.ts'
import { migratorFault } from './faults.ts'
import type { CompletionReport } from './leave.ts'
import type { MigratorMetrics } from './metrics.ts'
import type { RunRequest, RunResult } from './migrate.ts'
import { holdUp, type Progress } from './progress.ts'
import { ORDERS, type RunKind, type Stage } from './stages.ts'
import type { VerifyResult } from './verify-page.ts'

/** `partial` and `cancelled` are resumable: start the same again. */
export const RUN_OUTCOMES = ['running', 'done', 'mismatches', 'partial', 'failed', 'cancelled'] as const
export type RunOutcome = (typeof RUN_OUTCOMES)[number]

/** A run as it is shown; a snapshot. */
export interface Run {
  readonly run: string
  readonly integration: string
  readonly what: RunKind
  readonly actor: string
  readonly outcome: RunOutcome
  readonly stage: Stage
  readonly done: number
  readonly total: number | null
  readonly perSecond: number | null
  readonly etaSeconds: number | null
  /** Who or what the stage waits for, or null. */
  readonly throttledBy: string | null
  readonly counts: Counts | null
  /** Why it is partial, failed or has mismatches; never holds a value. */
  readonly message: string | null
  readonly verified: VerifyResult | null
  /** Of finalize and abandon, at their end. */
  readonly report: CompletionReport | null
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number | null
}

export interface RunOrder {
  readonly integration: string
  readonly kind: RunKind
  readonly actor: string
  readonly reason: string | null
  /** Verify also repairs what it can. */
  readonly repair?: boolean
}

/** The runs of this process: one an integration at a time, the latest of each is remembered. */
export interface Runs {
  /** Resolves when the run is on its way. Throws `run-active`. */
  start(order: RunOrder): Promise<Run>
  /** The latest run of the integration in this process, or null. */
  get(integration: string): Run | null
  list(): readonly Run[]
  /** Every change of the run on its way, and its end; call the answer to stop listening. */
  watch(integration: string, listener: (run: Run) => void): () => void
  /** Resolves with the run when it has ended; null if there never was one. */
  ended(integration: string): Promise<Run | null>
  /** Ends the run on its way after the step that it is in; false if there is none. */
  cancel(integration: string): boolean
  /** Cancels all of them and resolves when they have ended; nothing can be started afterwards. */
  stop(): Promise<void>
}

export interface RunsOptions {
  readonly migrate: (
    request: RunRequest,
    options: { readonly signal: AbortSignal; readonly emit: (progress: Progress) => void },
  ) => Promise<RunResult>
  readonly journal: Pick<Journal, 'append'>
  readonly clock: Clock
  readonly metrics: MigratorMetrics
  readonly newId: () => string
}

interface Active {
  run: Run
  readonly controller: AbortController
  readonly listeners: Set<(run: Run) => void>
  ending: Promise<Run>
}

export function makeRuns({ migrate, journal, clock, metrics, newId }: RunsOptions): Runs {
  const latest = new Map<string, Active>()
  let stopped = false

  const change = (active: Active, part: Partial<Run>): void => {
    active.run = { ...active.run, ...part }
    for (const listener of active.listeners) listener(active.run)
  }

  const carryOut = async (
    active: Active,
    { integration, kind, actor, reason, repair = false }: RunOrder,
  ): Promise<Run> => {
    const { signal } = active.controller
    metrics.active.inc({ kind })
    try {
      signal.throwIfAborted()
      const request = { integration, kind, repair, actor, reason }
      const result = await migrate(request, { signal, emit: (p) => change(active, shown(p)) })
      change(active, { ...result, endedAt: clock.wall() })
    } catch (error) {
      change(active, { ...failure(error, signal), endedAt: clock.wall() })
    } finally {
      metrics.active.dec({ kind })
    }
    metrics.runs.inc({ kind, outcome: active.run.outcome })
    await note(active.run, 'run-ended', { outcome: active.run.outcome, message: active.run.message }).catch(() => {})
    return active.run
  }

  const note = (run: Run, kind: string, detail: Readonly<Record<string, unknown>>): Promise<void> =>
    journal.append({
      kind,
      integration: run.integration,
      actor: run.actor,
      detail: { run: run.run, what: run.what, ...detail },
    })

  return {
    start: async (order) => {
      const { integration } = order
      if (stopped) throw migratorFault('run-active', 'this process is stopping', { retryAfter: 5 })
      if (latest.get(integration)?.run.outcome === 'running') {
        throw migratorFault('run-active', `a run of ${integration} has not ended`)
      }
      const run = started(order, newId(), clock.wall())
      const active: Active = {
        run,
        controller: new AbortController(),
        listeners: new Set(),
        ending: Promise.resolve(run),
      }
      const before = latest.get(integration)
      latest.set(integration, active)
      try {
        await note(run, 'run-started', { reason: order.reason, repair: order.repair ?? false })
      } catch (error) {
        if (before === undefined) latest.delete(integration)
        else latest.set(integration, before)
        throw error
      }
      active.ending = carryOut(active, order)
      return active.run
    },
    get: (integration) => latest.get(integration)?.run ?? null,
    list: () => [...latest.values()].map((active) => active.run),
    watch: (integration, listener) => {
      const listeners = latest.get(integration)?.listeners
      listeners?.add(listener)
      return () => listeners?.delete(listener)
    },
    ended: async (integration) => (await latest.get(integration)?.ending) ?? null,
    cancel: (integration) => {
      const active = latest.get(integration)
      if (active?.run.outcome !== 'running') return false
      active.controller.abort(new Error('cancelled by an operator'))
      return true
    },
    stop: async () => {
      stopped = true
      for (const { controller } of latest.values()) controller.abort(new Error('the process is stopping'))
      await Promise.all([...latest.values()].map((active) => active.ending))
    },
  }
}

const started = ({ integration, kind, actor }: RunOrder, run: string, at: number): Run => ({
  run,
  integration,
  what: kind,
  actor,
  outcome: 'running',
  stage: ORDERS[kind].stages[0],
  done: 0,
  total: null,
  perSecond: null,
  etaSeconds: null,
  throttledBy: null,
  counts: null,
  message: null,
  verified: null,
  report: null,
  startedAt: at,
  endedAt: null,
})

const shown = (progress: Progress): Partial<Run> => ({
  stage: progress.stage,
  done: progress.done,
  total: progress.total,
  perSecond: progress.rate,
  etaSeconds: progress.eta,
  throttledBy: holdUp(progress),
  counts: progress.counts,
})

/** The detail of a fault is safe to show; of any other error only its kind is. */
function failure(error: unknown, signal: AbortSignal): Pick<Run, 'outcome' | 'message'> {
  if (signal.aborted) {
    const why = signal.reason instanceof Error ? signal.reason.message : 'aborted'
    return { outcome: 'cancelled', message: why }
  }
  if (!isFault(error)) {
    return { outcome: 'failed', message: `unexpected: ${error instanceof Error ? error.name : typeof error}` }
  }
  return {
    outcome: error.code === 'ledger-unavailable' ? 'partial' : 'failed',
    message: `${error.code}: ${error.detail}`,
  }
}
