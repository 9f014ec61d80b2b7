import { randomUUID } from 'node:crypto'
import { makeRunRecords } from '../../ledger/postgres/runs.ts'
import { runSlice, type SliceOptions } from '../../migrator/migrate.ts'
import type { Progress } from '../../migrator/progress.ts'
import { runOneSlice, type SliceDeps } from '../../migrator/run-slices.ts'
import { makeRuns, type Run } from '../../migrator/runs.ts'
import { INTEGRATION, type withMigrator } from './with-migrator.ts'

interface WorkHooks {
  readonly stop?: AbortSignal
  /** Of each slice: aborted when it hears that it shall stop. */
  readonly onSlice?: (options: SliceOptions) => void
  readonly onProgress?: (progress: Progress) => void
}

/** Runs of the ledger, and a worker that takes the jobs one after another when it is told to; the queue is a list. */
export function withRuns({ database, deps, metrics }: Awaited<ReturnType<typeof withMigrator>>) {
  const records = makeRunRecords(database)
  const jobs: string[] = []
  const job = async (_query: unknown, run: string): Promise<void> => {
    jobs.push(run)
  }
  const parts = { records, job, clock: deps.clock, newId: randomUUID }
  const runs = makeRuns(parts)
  const slices = (hooks: WorkHooks): SliceDeps => ({
    records,
    run: (request, place, options) => {
      hooks.onSlice?.(options)
      const emit = (progress: Progress): void => {
        hooks.onProgress?.(progress)
        options.emit(progress)
      }
      return runSlice(deps, request, place, { ...options, emit })
    },
    next: job,
    metrics,
    clock: deps.clock,
    slice: 5000,
    lease: 10_000,
    patience: 20_000,
  })
  return {
    records,
    runs,
    /** What another process sees. */
    other: () => makeRuns({ ...parts, records: makeRunRecords(database) }),
    /** Does what there are jobs for, and answers the run as it is then; null: there was no job. */
    work: async (hooks: WorkHooks = {}): Promise<Run | null> => {
      const stop = hooks.stop ?? new AbortController().signal
      if (jobs.length === 0) return null
      for (let run = jobs.shift(); run !== undefined; run = stop.aborted ? undefined : jobs.shift()) {
        await runOneSlice(slices(hooks), run, `test/${randomUUID()}`, stop)
      }
      return runs.get(INTEGRATION)
    },
    /** Resolves when a worker has found the run whose slice died. */
    wakened: async (): Promise<void> => {
      for (let run = await runs.get(INTEGRATION); run?.held; run = await runs.get(INTEGRATION))
        await records.wake(0, job)
      await records.wake(0, job)
    },
  }
}
