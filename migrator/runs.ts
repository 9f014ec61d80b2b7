import type { Clock } from '../core/clock.ts'
import type { Counts } from '../ledger/postgres/progress.ts'
import type { AskFor, RunRecords, RunRow, RunState } from '../ledger/postgres/runs.ts'
import type { CompletionReport } from './leave.ts'
import { firstPlace, type Place, stagesOf } from './migrate.ts'
import { holdUp, type Progress } from './progress.ts'
import type { RunKind, Stage } from './stages.ts'
import type { VerifyResult } from './verify-page.ts'

/** A run as it is shown, by any process; a snapshot. */
export interface Run {
  readonly run: string
  readonly integration: string
  readonly what: RunKind
  readonly actor: string
  readonly outcome: RunState
  readonly stage: Stage
  readonly stages: readonly Stage[]
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
  /** A worker has a slice of it now. */
  readonly held: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number | null
}

export interface RunOrder {
  readonly integration: string
  readonly kind: RunKind
  readonly actor: string
  readonly reason: string | null
  /** Only these stages; left out: all of its kind. */
  readonly stages?: readonly Stage[]
  /** Verify also repairs what it can. */
  readonly repair?: boolean
}

/** The runs of the ledger, for whoever asks: at most one an integration that has not ended. */
export interface Runs {
  /** Resolves when the run is durable and a worker was told. `active`: another one has not ended. */
  start(order: RunOrder): Promise<{ readonly kind: 'created' | 'active'; readonly run: Run }>
  /** The one that has not ended, else the latest; null if there never was one. */
  get(integration: string): Promise<Run | null>
  /** The same of each of them that has one. */
  list(integrations: readonly string[]): Promise<readonly Run[]>
  /** Stops between two steps, until it is resumed. Null: no run of it has not ended. */
  pause(integration: string, by: string): Promise<Run | null>
  resume(integration: string, by: string): Promise<Run | null>
  /** Ends it, whatever it does; to be started again. */
  cancel(integration: string, by: string): Promise<Run | null>
  /** Resolves when no slice has the run any more, or after so many ms; null if there never was one. */
  atRest(integration: string, ms: number): Promise<Run | null>
}

export interface RunsParts {
  readonly records: RunRecords
  /** Asks for a slice. */
  readonly job: AskFor
  readonly clock: Clock
  readonly newId: () => string
}

/** ms between two looks whether a slice has stopped. */
const LOOK = 50

export function makeRuns({ records, job, clock, newId }: RunsParts): Runs {
  const get = async (integration: string): Promise<Run | null> => shown(await records.latest(integration))
  const want = (wanted: 'run' | 'pause' | 'cancel') => async (integration: string, by: string) =>
    shown(await records.want(integration, wanted, by, job))
  return {
    start: async ({ integration, kind, actor, reason, stages: only, repair = false }) => {
      const request = { kind, ...(only === undefined ? {} : { stages: only }) }
      const order = { integration, kind, actor, reason, repair, stages: stagesOf(request), place: firstPlace(request) }
      const { kind: outcome, run } = await records.create({ id: newId(), ...order }, job)
      return { kind: outcome, run: toRun(run) }
    },
    get,
    list: async (integrations) => (await records.list(integrations)).map(toRun),
    pause: want('pause'),
    resume: want('run'),
    cancel: want('cancel'),
    atRest: async (integration, ms) => {
      const end = clock.monotonic() + ms
      for (;;) {
        const run = await get(integration)
        if (run === null || !run.held || clock.monotonic() >= end) return run
        await clock.sleep(LOOK)
      }
    },
  }
}

const shown = (row: RunRow | null): Run | null => (row === null ? null : toRun(row))

/** What a worker is to be told of, when there is one. */
export const isOpen = ({ endedAt }: Pick<Run, 'endedAt'>): boolean => endedAt === null

function toRun(row: RunRow): Run {
  const progress = row.progress as Progress | null
  const isRunning = row.state === 'running'
  return {
    run: row.id,
    integration: row.integration,
    what: row.kind as RunKind,
    actor: row.actor,
    outcome: row.state,
    stage: progress?.stage ?? (row.place as Place).stage,
    stages: row.stages as readonly Stage[],
    done: progress?.done ?? 0,
    total: progress?.total ?? null,
    perSecond: progress?.rate ?? null,
    etaSeconds: isRunning ? (progress?.eta ?? null) : null,
    throttledBy: isRunning && progress !== null ? holdUp(progress) : null,
    counts: progress?.counts ?? null,
    message: row.message,
    verified: row.verified as VerifyResult | null,
    report: row.report as CompletionReport | null,
    held: row.held,
    startedAt: row.askedAt,
    endedAt: row.endedAt,
  }
}
