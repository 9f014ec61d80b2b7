import type { TestContext } from 'node:test'
import type pg from 'pg'

/** A transaction that holds locks until it is ended; rolled back after the test if nobody did. */
export async function openTransaction(
  t: TestContext,
  pool: pg.Pool,
  sql: string,
): Promise<{ end(how: 'COMMIT' | 'ROLLBACK'): Promise<void> }> {
  const client = await pool.connect()
  let open = true
  const end = async (how: 'COMMIT' | 'ROLLBACK'): Promise<void> => {
    if (!open) return
    open = false
    await client.query(how)
    client.release()
  }
  t.after(() => end('ROLLBACK'))
  await client.query('BEGIN')
  await client.query(sql)
  return { end }
}

/** Resolves when a statement of a store in this database waits for a lock. */
export async function untilBlocked(pool: pg.Pool): Promise<void> {
  const waiting = `select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and application_name like 'crossfade/%'`
  while ((await pool.query(waiting)).rowCount === 0);
}

/** Resolves when `deadline`, on this process's monotonic clock, has passed. */
export async function untilPast(pool: pg.Pool, deadline: number): Promise<void> {
  while (performance.now() <= deadline) await pool.query('select 1')
}
