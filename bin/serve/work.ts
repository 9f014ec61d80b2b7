import { randomUUID } from 'node:crypto'
import { followSecretFile } from '../../backends/key-file.ts'
import type { Clock } from '../../core/clock.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import { type JobQueue, makeJobQueue } from '../../ledger/postgres/jobs.ts'
import type { PaceReports } from '../../ledger/postgres/pace-reports.ts'
import { makeRunRecords, type RunRecords } from '../../ledger/postgres/runs.ts'
import type { RegisteredWorker, WorkerRegistry } from '../../ledger/postgres/workers.ts'
import type { MigratorDeps } from '../../migrator/deps.ts'
import { runSlice } from '../../migrator/migrate.ts'
import { makeRuns, type Runs } from '../../migrator/runs.ts'
import { askForRun, type CronItem, makeWorker } from '../../migrator/worker.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import type { Metrics } from './metrics.ts'

export interface WorkParts {
  readonly config: CrossfadeConfig
  readonly database: Database
  readonly ledger: Pick<Ledger, 'integrations'>
  readonly migratorDeps: MigratorDeps
  readonly metrics: Metrics
  readonly clock: Clock
  readonly id: string
  readonly name: string
  readonly kind: RegisteredWorker['kind']
  readonly registry: WorkerRegistry
  readonly paceReports: Pick<PaceReports, 'prune'>
}

/** The runs of the ledger, the queue by which workers hear of them, and the worker of this process; nothing is started. */
export function openWork(parts: WorkParts) {
  const { config, database, registry, migratorDeps, metrics, clock, id, name, kind } = parts
  const { migrator } = config
  const queue = openQueue(config)
  const records = makeRunRecords(database)
  const runs = makeRuns({ records, job: askForRun(queue), clock, newId: randomUUID })
  const worker = makeWorker({
    id,
    name,
    kind,
    records,
    registry,
    queue,
    slices: {
      run: (request, place, options) => runSlice(migratorDeps, request, place, options),
      metrics: metrics.migrator,
    },
    help: migratorDeps,
    clock,
    newId: randomUUID,
    jobs: migrator.jobs,
    slice: migrator.slice,
    lease: migrator.worker_lease,
    patience: migrator.patience,
    cron: {
      'crossfade-prune': { at: '17 * * * *', work: () => prune(parts, records) },
      ...sweeps(parts, runs),
    },
  })
  return { queue, registry, runs, worker }
}

function openQueue({ ledger, migrator }: CrossfadeConfig): JobQueue {
  return makeJobQueue(
    {
      url: ledger.url,
      password: ledger.password_file === undefined ? undefined : followSecretFile(ledger.password_file),
      maxConnections: ledger.max_connections,
      statementTimeout: ledger.statement_timeout,
    },
    migrator.jobs_schema,
  )
}

async function prune({ config, paceReports }: WorkParts, records: Pick<RunRecords, 'prune'>): Promise<void> {
  await records.prune(config.migrator.keep_runs)
  await paceReports.prune()
}

/** A verify of everything that can be verified; what has a run on its way is left to that. */
function sweeps({ config, ledger }: WorkParts, runs: Runs): Readonly<Record<string, CronItem>> {
  const { verify_at: at } = config.migrator
  if (at === undefined) return {}
  const work = async (): Promise<void> => {
    for (const { integration, state, inventoried } of await ledger.integrations()) {
      if (state !== 'enrolled' || !inventoried || config.integrations[integration] === undefined) continue
      await runs.start({ integration, kind: 'verify', actor: 'schedule', reason: 'migrator.verify_at' })
    }
  }
  return { 'crossfade-verify': { at, work } }
}
