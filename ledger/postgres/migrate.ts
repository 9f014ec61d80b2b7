import { readFile } from 'node:fs/promises'
import { ledgerFault } from '../faults.ts'
import type { Database } from './database.ts'

/** Every file is run once, in this order; a released one never changes. */
const MIGRATIONS = [
  {
    version: 1,
    files: [
      '001-tables.sql',
      '010-rules.sql',
      '020-begin.sql',
      '030-finish.sql',
      '040-settle.sql',
      '050-stages.sql',
      '060-inventory.sql',
      '070-replicas.sql',
    ],
  },
  { version: 2, files: ['080-gates.sql'] },
  { version: 3, files: ['090-caps.sql'] },
  { version: 4, files: ['100-progress.sql'] },
  { version: 5, files: ['110-quarantine.sql'] },
  { version: 6, files: ['120-pace.sql'] },
  { version: 7, files: ['130-bypass.sql'] },
  { version: 8, files: ['140-runs.sql'] },
  { version: 9, files: ['150-identity.sql'] },
] as const

/** ms that one statement of an upgrade may take, such as an index over all secrets, or the wait for another process's. */
const UPGRADE_MS = 30 * 60_000

export const SCHEMA_VERSION = MIGRATIONS.reduce((latest, m) => Math.max(latest, m.version), 0)

/** Changes the text of a file before it is run; the proof of the protocol injects mutants here. */
export type Rewrite = (file: string, sql: string) => string

const readSql = (file: string) => readFile(new URL(`./sql/${file}`, import.meta.url), 'utf8')

/**
 * Brings the ledger's schema up to this version, under an advisory lock, in one transaction.
 * Throws `ledger-schema-newer` for a schema of a later version and `ledger-unsafe` where commits are not durable.
 */
export async function migrateLedger(database: Database, rewrite: Rewrite = (_file, sql) => sql): Promise<void> {
  await database.transaction(async (query) => {
    await query(null, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', ['crossfade.schema'])
    // A schema that a DBA made for this role is used as it is: IF NOT EXISTS would ask for CREATE on the database all the same.
    const [has] = await query<{ there: boolean; may: boolean }>(
      null,
      `select to_regnamespace('crossfade') is not null as there, has_database_privilege(current_database(), 'create') as may`,
      [],
    )
    if (!has?.there && !has?.may) throw ledgerFault('ledger-denied', 'schema crossfade is not there')
    if (!has.there) await query(null, 'create schema crossfade', [])
    await query(null, 'create table if not exists crossfade.schema_version (version integer not null)', [])
    const [row] = await query<{ version: number | null }>(
      null,
      'select max(version) as version from crossfade.schema_version',
      [],
    )
    const found = row?.version ?? 0
    if (found > SCHEMA_VERSION) {
      throw ledgerFault('ledger-schema-newer', `schema version ${found}, this program knows ${SCHEMA_VERSION}`)
    }
    for (const { version, files } of MIGRATIONS) {
      if (version <= found) continue
      for (const file of files) await query(null, rewrite(file, await readSql(file)), [])
      await query(null, 'insert into crossfade.schema_version values ($1)', [version])
    }
  }, UPGRADE_MS)
}

/** Throws `ledger-schema-older` where the schema is not of this version: for who only looks, and changes nothing. */
export async function assertMigrated(database: Database): Promise<void> {
  const text = "select to_regclass('crossfade.schema_version') is not null as there"
  const [table] = await database.query<{ there: boolean }>(null, text, [])
  const version = 'select max(version) as version from crossfade.schema_version'
  const [row] = table?.there ? await database.query<{ version: number | null }>(null, version, []) : []
  const found = row?.version ?? 0
  if (found !== SCHEMA_VERSION)
    throw ledgerFault(
      found > SCHEMA_VERSION ? 'ledger-schema-newer' : 'ledger-schema-older',
      `schema version ${found}, this program knows ${SCHEMA_VERSION}`,
    )
}

/** An acknowledged begin must survive a crash of the ledger. `allowFast` is for tests on a throw-away cluster. */
export async function assertDurable(database: Database, allowFast: boolean): Promise<void> {
  const [row] = await database.query<{ fsync: string; commit: string }>(
    null,
    "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
    [],
  )
  if (row?.commit === 'off' || (row?.fsync === 'off' && !allowFast)) {
    throw ledgerFault('ledger-unsafe', `fsync is ${row.fsync}, synchronous_commit is ${row.commit}`)
  }
}
