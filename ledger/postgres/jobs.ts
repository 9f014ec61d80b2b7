import { EventEmitter } from 'node:events'
import { Logger, type Runner, run, runMigrations } from 'graphile-worker'
import type { Pool } from 'pg'
import type { Clock } from '../../core/clock.ts'
import { ledgerFault } from '../faults.ts'
import { type Database, type DatabaseOptions, makePool } from './database.ts'

/*
 * The queue of the migrator's jobs: graphile-worker in a schema of its own beside the ledger's. It wakes a worker within
 * milliseconds and gives each job to one of them; it is no more than that. What a run is and who may go on with it stands in
 * the ledger, so that a job that is lost, late or doubled does no harm.
 */
export interface Job {
  readonly task: string
  readonly payload: Readonly<Record<string, unknown>>
  /** One waiting job of this key at a time: the later one replaces it. */
  readonly key: string
  /** A worker that skips one of these does not get it. */
  readonly flags?: readonly string[]
}

export interface JobQueue {
  /** Makes or upgrades its schema. Rejects with `ledger-unavailable`. */
  prepare(): Promise<void>
  /** In the transaction of `query`. */
  add(query: Database['query'], job: Job): Promise<void>
  /** Jobs of these pools may be taken by others at once; the queue itself would wait for four hours. */
  free(query: Database['query'], pools: readonly string[]): Promise<void>
  /** Takes jobs until stopped, and begins anew when the connection is lost. */
  work(options: WorkOptions): { stop(): Promise<void> }
  close(): Promise<void>
}

export interface WorkOptions {
  /** Each resolves when its job is over; what it throws has the job tried again later. */
  readonly tasks: Readonly<Record<string, (payload: unknown) => Promise<void>>>
  /** Jobs at once. */
  readonly concurrency: number
  /** Lines of graphile's crontab: minute hour day month weekday task; UTC. */
  readonly crontab: string
  /** Flags of jobs that this worker does not want now. */
  readonly skip: () => string[]
  /** The name under which its jobs are locked from now on. */
  readonly onPool: (pool: string) => void
  readonly clock: Clock
}

/** A listener, a job on its way in and one on its way out. */
const CONNECTIONS = 3
/** ms between two looks for jobs of which nobody told. */
const POLL = 2000

const quiet = new Logger(() => () => undefined)

/**
 * A schema that a DBA made for this role: graphile-worker begins with CREATE SCHEMA IF NOT EXISTS, which asks for CREATE on the
 * database all the same, unless its own list of migrations is there.
 */
async function adopt(pool: Pool, name: string): Promise<void> {
  const text = `select to_regnamespace($1) is not null and to_regclass($2) is null as bare`
  const { rows } = await pool.query<{ bare: boolean }>(text, [`"${name}"`, `"${name}".migrations`])
  if (!rows[0]?.bare) return
  await pool.query(`create table if not exists "${name}".migrations (
    id int primary key, ts timestamptz default now() not null, breaking boolean not null default false)`)
}

export function makeJobQueue(database: DatabaseOptions, schema: string): JobQueue {
  const pool = makePool({ ...database, maxConnections: CONNECTIONS }, 'crossfade-jobs')
  const shared = { pgPool: pool, schema, logger: quiet, noHandleSignals: true } as const
  const name = schema.replaceAll('"', '""')

  const start = (options: WorkOptions): Promise<Runner> => {
    const events = new EventEmitter()
    events.on('pool:create', ({ workerPool }: { workerPool: { id: string } }) => options.onPool(workerPool.id))
    return run({
      ...shared,
      events,
      concurrency: options.concurrency,
      pollInterval: POLL,
      taskList: { ...options.tasks },
      crontab: options.crontab,
      forbiddenFlags: options.skip,
    })
  }

  const work = (options: WorkOptions): { stop(): Promise<void> } => {
    const stopping = new AbortController()
    let runner: Runner | null = null
    const loop = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        try {
          runner = await start(options)
          if (!stopping.signal.aborted) await runner.promise
          else await runner.stop()
        } catch {
          // The ledger went away; it is looked for again.
        }
        runner = null
        await options.clock.sleep(500, stopping.signal).catch(() => undefined)
      }
    }
    const running = loop()
    return {
      stop: async () => {
        stopping.abort()
        await runner?.stop().catch(() => undefined)
        await running
      },
    }
  }

  return {
    prepare: async () => {
      try {
        await adopt(pool, name)
        await runMigrations(shared)
      } catch (error) {
        const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown'
        throw ledgerFault('ledger-unavailable', `the queue of jobs answered ${code}`, { retryAfter: 1 })
      }
    },
    add: async (query, { task, payload, key, flags = [] }) => {
      const text = `select from "${name}".add_job($1, payload := $2::json, job_key := $3, flags := $4::text[])`
      await query(null, text, [task, JSON.stringify(payload), key, flags.length === 0 ? null : flags])
    },
    free: async (query, pools) => {
      await query(null, `select "${name}".force_unlock_workers($1::text[])`, [pools])
    },
    work,
    close: () => pool.end(),
  }
}
