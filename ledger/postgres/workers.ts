import type { Database } from './database.ts'

/** Processes that work on the migrator's jobs, with leases in the ledger's clock. */
export interface RegisteredWorker {
  readonly id: string
  readonly name: string
  readonly kind: 'serve' | 'worker'
  readonly live: boolean
  /** ms since its lease ended; 0 while it holds. */
  readonly silentFor: number
  readonly startedAt: number
  /** Runs of which it has a slice now. */
  readonly runs: readonly string[]
}

export interface WorkerRegistry {
  /** Registers, renews, and says under which names the job queue knows it. */
  renew(worker: WorkerLease): Promise<void>
  leave(id: string): Promise<void>
  list(): Promise<readonly RegisteredWorker[]>
  /** How many have a lease. */
  live(): Promise<number>
  /**
   * Removes those whose lease is over, each by one caller only, and calls `free` with the names of their jobs in the same
   * commit. Returns how many there were.
   */
  bury(free: (query: Database['query'], pools: readonly string[]) => Promise<void>): Promise<number>
}

export interface WorkerLease {
  readonly id: string
  readonly name: string
  readonly kind: RegisteredWorker['kind']
  readonly pools: readonly string[]
  /** ms. */
  readonly lease: number
}

const RENEW = `insert into crossfade.worker (id, name, kind, pools, until)
  values ($1, $2, $3, $4::text[], clock_timestamp() + $5 * interval '1 millisecond')
  on conflict (id) do update set pools = excluded.pools, until = excluded.until`

const LIST = `select id, name, kind, until > clock_timestamp() as live,
    greatest(0, floor(extract(epoch from clock_timestamp() - until) * 1000))::float8 as "silentFor",
    (extract(epoch from started_at) * 1000)::float8 as "startedAt",
    array(select r.integration from crossfade.run r where r.until > clock_timestamp() and r.holder like w.id || '/%'
      order by r.integration)::text[] as runs
  from crossfade.worker w order by name, started_at`

const DEAD = `delete from crossfade.worker w using (
    select id from crossfade.worker where until < clock_timestamp() for update skip locked) dead
  where w.id = dead.id returning w.pools`

export const makeWorkerRegistry = (database: Database): WorkerRegistry => ({
  renew: async ({ id, name, kind, pools, lease }) => {
    await database.query('crossfade-worker-renew', RENEW, [id, name, kind, pools, lease])
  },
  leave: async (id) => {
    await database.query('crossfade-worker-leave', 'delete from crossfade.worker where id = $1', [id])
  },
  list: () => database.query<RegisteredWorker>('crossfade-workers', LIST, []),
  live: async () => {
    const [row] = await database.query<{ live: number }>(
      'crossfade-workers-live',
      'select count(*)::int as live from crossfade.worker where until > clock_timestamp()',
      [],
    )
    return row?.live ?? 0
  },
  bury: (free) =>
    database.transaction(async (query) => {
      const dead = await query<{ pools: readonly string[] }>(null, DEAD, [])
      const pools = dead.flatMap((row) => row.pools)
      if (pools.length > 0) await free(query, pools)
      return dead.length
    }),
})
