import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../bin/embedded/postgres.ts'
import { type Database, makeDatabase } from '../../ledger/postgres/database.ts'
import { migrateLedger, type Rewrite } from '../../ledger/postgres/migrate.ts'

/** Makes a ledger on a new database of its own; all are dropped at the end. */
export type MakeLedgerDatabase = (rewrite?: Rewrite) => Promise<Database>

/** What the SQL's clock is replaced by: a row that the comparison sets. */
const CLOCK = `
  create table public.clock (at timestamptz not null);
  insert into public.clock values ('epoch');
  create function public.driven_clock() returns timestamptz language sql stable as 'select at from public.clock'`

/** Leases and back-off then end exactly where they do in the simulated ledger. */
const drivenClock: Rewrite = (_file, sql) => sql.replaceAll('clock_timestamp()', 'public.driven_clock()')

export const setClock = (database: Database, ms: number) =>
  database.query('set-clock', 'update public.clock set at = to_timestamp($1::float8 / 1000)', [ms])

const CONNECTIONS = 6

/** Borrows databases on `CROSSFADE_TEST_POSTGRES`, or on a throw-away cluster. */
export async function withLedgerDatabases<T>(work: (make: MakeLedgerDatabase) => Promise<T>): Promise<T> {
  const given = process.env['CROSSFADE_TEST_POSTGRES']
  if (given !== undefined) return withDatabases((name) => Object.assign(new URL(given), { pathname: name }).href, work)
  const dataDir = await mkdtemp(join(tmpdir(), 'crossfade-equivalence-'))
  // As root, the user that PostgreSQL runs as must get in.
  await chmod(dataDir, 0o711)
  const server = await startPostgres({ dataDir, log: () => undefined, fast: true })
  try {
    return await withDatabases((name) => server.url(name), work)
  } finally {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function withDatabases<T>(
  url: (name: string) => string,
  work: (make: MakeLedgerDatabase) => Promise<T>,
): Promise<T> {
  const admin = new pg.Client({ connectionString: url('postgres') })
  await admin.connect()
  const made: { readonly name: string; readonly database: Database }[] = []
  const make: MakeLedgerDatabase = async (rewrite = (_file, sql) => sql) => {
    const name = `equivalence_${process.pid}_${made.length}`
    const database = makeDatabase({ url: url(name), maxConnections: CONNECTIONS, statementTimeout: 60_000 })
    made.push({ name, database })
    await admin.query(`create database ${name}`)
    await database.query(null, CLOCK, [])
    await migrateLedger(database, (file, sql) => drivenClock(file, rewrite(file, sql)))
    return database
  }
  try {
    return await work(make)
  } finally {
    for (const { name, database } of made) {
      await database.close()
      await admin.query(`drop database if exists ${name} with (force)`)
    }
    await admin.end()
  }
}
