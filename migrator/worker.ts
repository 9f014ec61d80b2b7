import type { Clock } from '../core/clock.ts'
import type { Job, JobQueue } from '../ledger/postgres/jobs.ts'
import type { AskFor, RunRecords, RunRow } from '../ledger/postgres/runs.ts'
import type { WorkerRegistry } from '../ledger/postgres/workers.ts'
import { type HelpDeps, helpRun } from './run-help.ts'
import { runOneSlice, type SliceDeps } from './run-slices.ts'

/*
 * A process that works on the ledger's runs. It registers with a lease and renews it. Each beat also looks after the others:
 * whose lease is over is removed, and its jobs are given free at once, where the queue would wait for four hours; a run that
 * should move and that nobody has touched for a lease gets a job anew, whatever became of its last one.
 */
export interface Worker {
  start(): void
  /** Resolves when what it had was left to others; also where it was never started. */
  stop(): Promise<void>
}

export interface WorkerOptions {
  readonly id: string
  readonly name: string
  readonly kind: 'serve' | 'worker'
  readonly records: RunRecords
  readonly registry: WorkerRegistry
  readonly queue: JobQueue
  readonly slices: Pick<SliceDeps, 'run' | 'metrics'>
  readonly help: Omit<HelpDeps, 'records' | 'slice' | 'clock'>
  readonly clock: Clock
  readonly newId: () => string
  /** Slices and helps at once. */
  readonly jobs: number
  /** ms. */
  readonly slice: number
  /** ms for which it counts as alive, and has a run, without a sign of life. */
  readonly lease: number
  readonly patience: number
  /** By task: what is done by the clock. */
  readonly cron: Readonly<Record<string, CronItem>>
}

export interface CronItem {
  /** Minute, hour, day, month, weekday; UTC. */
  readonly at: string
  readonly work: () => Promise<void>
}

const RUN = 'crossfade-run'
const HELP = 'crossfade-help'
/** More helpers than this would only wait for the same stores. */
const MOST_HELPERS = 7

/** One waiting job a run, whoever asks for it. */
export const askForRun =
  (queue: Pick<JobQueue, 'add'>): AskFor =>
  (query, run) =>
    queue.add(query, { task: RUN, payload: { run }, key: `run:${run}` })

export function makeWorker(options: WorkerOptions): Worker {
  const { id, queue, records, registry, clock, lease } = options
  const stopping = new AbortController()
  const pools = new Set<string>()
  const helping = new Set<string>()
  const atWork = new Set<Promise<void>>()
  const next = askForRun(queue)
  let working: { stop(): Promise<void> } | null = null
  let beats: Promise<void> = Promise.resolve()

  const callHelp = async ({ id: run }: RunRow): Promise<void> => {
    const helpers = Math.min((await registry.live()) - 1, MOST_HELPERS)
    if (helpers < 1) return
    const jobs = Array.from({ length: helpers }, (_, i): Job => {
      return { task: HELP, payload: { run }, key: `help:${run}:${i}`, flags: [`not:${id}`, `helps:${run}`] }
    })
    await records.ask(async (query) => {
      for (const job of jobs) await queue.add(query, job)
    })
  }

  const slices: SliceDeps = { ...options, ...options.slices, next, onCopying: callHelp }

  const tracked = async (work: Promise<void>): Promise<void> => {
    atWork.add(work)
    await work.finally(() => atWork.delete(work))
  }

  const tasks = {
    [RUN]: (payload: unknown) =>
      tracked(runOneSlice(slices, runOf(payload), `${id}/${options.newId()}`, stopping.signal)),
    [HELP]: async (payload: unknown) => {
      const run = runOf(payload)
      if (helping.has(run)) return
      helping.add(run)
      await tracked(helpRun({ ...options.help, ...options, records }, run, stopping.signal)).finally(() =>
        helping.delete(run),
      )
    },
    ...Object.fromEntries(Object.entries(options.cron).map(([task, { work }]) => [task, () => tracked(work())])),
  }

  const renew = (): Promise<void> => registry.renew({ ...options, pools: [...pools] })

  const beat = async (): Promise<void> => {
    await renew()
    await registry.bury(queue.free)
    await records.wake(lease, next)
  }

  const live = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // Without the ledger there is nothing to work on.
      await beat().catch(() => undefined)
      await clock.sleep(lease / 4, stopping.signal).catch(() => undefined)
    }
  }

  return {
    start: () => {
      beats = live()
      working = queue.work({
        tasks,
        concurrency: options.jobs,
        crontab: Object.entries(options.cron)
          .map(([task, { at }]) => `${at} ${task}`)
          .join('\n'),
        skip: () => [`not:${id}`, ...[...helping].map((run) => `helps:${run}`)],
        onPool: (pool) => {
          pools.add(pool)
          void renew().catch(() => undefined)
        },
        clock,
      })
    },
    stop: async () => {
      stopping.abort()
      await Promise.allSettled([...atWork])
      await working?.stop()
      await beats
      await registry.leave(id).catch(() => undefined)
    },
  }
}

const runOf = (payload: unknown): string => (payload as { readonly run: string }).run
