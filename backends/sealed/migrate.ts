import type pg from 'pg'
import { backendFault } from '../faults.ts'
import { MIGRATIONS, SCHEMA_VERSION } from './migrations.ts'

/** Any number that no other program locks in the same database. */
const LOCK = 0x5ea1ed

/**
 * Brings the schema up to date: under an advisory lock, each missing step in one transaction with the row that records
 * it. Does nothing but read when there is nothing to do, so a user without DDL rights can run it then.
 * Rejects with `sealed-schema-newer`, having changed nothing, and otherwise as `pg` does.
 */
export async function migrateSealed(
  pool: pg.Pool,
  schema: string,
  steps: readonly string[] = MIGRATIONS,
): Promise<{ readonly from: number; readonly to: number }> {
  const now = await readVersion(pool, schema)
  assertNotNewer(now, schema, steps.length)
  if (now === steps.length) return { from: now, to: now }
  const client = await pool.connect()
  let broken = true
  try {
    await client.query('BEGIN')
    // The store's own limits are for single statements, not for this.
    await client.query(`SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '60s'`)
    await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK, schema])
    const from = await applyMissing(client, schema, steps)
    await client.query('COMMIT')
    broken = false
    return { from, to: steps.length }
  } finally {
    // A connection with an open transaction is not given back: closing it rolls back.
    client.release(broken)
  }
}

async function applyMissing(client: pg.PoolClient, schema: string, steps: readonly string[]): Promise<number> {
  // A schema that a DBA made for this role is used as it is: IF NOT EXISTS would ask for CREATE on the database all the same.
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema])
  if (!rows[0]?.there) await client.query(`CREATE SCHEMA ${schema}`)
  await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.schema_version (
    version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`)
  const from = await readVersion(client, schema)
  assertNotNewer(from, schema, steps.length)
  for (const [offset, step] of steps.slice(from).entries()) {
    await client.query(step.replaceAll('{schema}', schema))
    await client.query(`INSERT INTO ${schema}.schema_version (version) VALUES ($1)`, [from + offset + 1])
  }
  return from
}

/** 0: there is no schema yet. */
export async function readVersion(client: pg.Pool | pg.PoolClient, schema: string): Promise<number> {
  const table = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    `${schema}.schema_version`,
  ])
  if (!table.rows[0]?.there) return 0
  const result = await client.query<{ version: number | null }>(
    `SELECT max(version) AS version FROM ${schema}.schema_version`,
  )
  return result.rows[0]?.version ?? 0
}

/** Throws `sealed-schema-newer`. */
export function assertNotNewer(found: number, schema: string, known: number = SCHEMA_VERSION): void {
  if (found <= known) return
  throw backendFault('sealed-schema-newer', `schema ${schema} is at version ${found}; this program knows ${known}`)
}
