import type { Pool, PoolClient } from 'pg'
import { type SampleOptions, type SampleSecret, sampleSecrets } from './secrets.ts'

/** The home-grown table that the sample legacy system keeps its secrets in. */
export const LEGACY_TABLE = 'app.credentials'

/** `created` is false if the table was there already: then nothing was touched. */
export interface SeedResult {
  readonly created: boolean
  readonly secrets: number
}

export interface SeedWatch {
  /** Aborted: rejects with its reason, and nothing was made. */
  readonly signal?: AbortSignal
  /** After each batch, with how many there are so far. */
  readonly onSeeded?: (secrets: number) => void
}

// One round trip a batch; 500 rows keep a statement near 1 MB.
const BATCH = 500
/** The table, empty. */
export const CREATE_LEGACY_TABLE = `
  create schema if not exists app;
  create table ${LEGACY_TABLE} (
    provider text collate "C" not null,
    org_id text collate "C" not null,
    key text collate "C" not null,
    secret bytea not null,
    content_type text,
    attributes jsonb not null default '{}',
    modified timestamptz not null default now(),
    primary key (provider, org_id, key)
  )`
const INSERT = `
  insert into ${LEGACY_TABLE} (provider, org_id, key, secret, content_type, attributes)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::jsonb[])`

/**
 * Creates and fills the sample legacy table in one transaction, or finds it. The table's existence is the mark, not its
 * rows: a secret that a user deleted must not come back at the next start.
 */
export const seedLegacy = async (pool: Pool, options: SampleOptions, watch: SeedWatch = {}): Promise<SeedResult> => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`select pg_advisory_xact_lock(hashtext('crossfade sample'))`)
    const found = await client.query<{ table: string | null }>('select to_regclass($1) as table', [LEGACY_TABLE])
    const created = found.rows[0]?.table === null
    if (created) await fill(client, options, watch)
    const counted = await client.query<{ count: number }>(`select count(*)::int as count from ${LEGACY_TABLE}`)
    await client.query('commit')
    return { created, secrets: counted.rows[0]?.count ?? 0 }
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  } finally {
    client.release()
  }
}

const fill = async (client: PoolClient, options: SampleOptions, { signal, onSeeded }: SeedWatch): Promise<void> => {
  await client.query(CREATE_LEGACY_TABLE)
  let batch: SampleSecret[] = []
  let seeded = 0
  for (const secret of sampleSecrets(options)) {
    batch.push(secret)
    if (batch.length === BATCH) {
      signal?.throwIfAborted()
      await insert(client, batch)
      seeded += batch.length
      onSeeded?.(seeded)
      batch = []
    }
  }
  if (batch.length > 0) await insert(client, batch)
  await client.query(`analyze ${LEGACY_TABLE}`)
}

const insert = (client: PoolClient, batch: readonly SampleSecret[]): Promise<unknown> =>
  client.query(INSERT, [
    batch.map((s) => s.integration),
    batch.map((s) => s.customer),
    batch.map((s) => s.name),
    batch.map((s) => s.value),
    batch.map((s) => s.contentType),
    batch.map((s) => JSON.stringify(s.metadata)),
  ])
