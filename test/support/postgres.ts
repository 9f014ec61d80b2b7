import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import { type EmbeddedPostgres, startPostgres } from '../../bin/embedded/postgres.ts'

/** The URL of a cluster that test/run.ts started for the whole run; a file run by itself starts one of its own. */
const GIVEN = process.env['CROSSFADE_TEST_POSTGRES']

interface Cluster {
  url(database: string): string
}

let cluster: Promise<Cluster> | undefined
let own: { readonly server: EmbeddedPostgres; readonly dataDir: string } | undefined
let count = 0

// Here, not where it is started: a hook made inside a test would belong to that test.
after(async () => {
  await own?.server.stop()
  if (own) await rm(own.dataDir, { recursive: true, force: true })
})

/** A new empty database, dropped after the test. Its default collation is en-US, as a legacy database's may well be. */
export async function freshDatabase(t: TestContext): Promise<{ readonly url: string }> {
  cluster ??= GIVEN ? Promise.resolve(givenCluster(GIVEN)) : startOwn()
  const running = await cluster
  const name = `t_${process.pid}_${count++}`
  await administer(running, `create database ${name}`)
  t.after(() => administer(running, `drop database if exists ${name} with (force)`))
  return { url: running.url(name) }
}

/**
 * A pool on `url`, ended after the test. A client that was borrowed and never given back fails the test: it is a leak
 * in the code under test.
 */
export function testPool(t: TestContext, url: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ max: 10, ...options, connectionString: url })
  // The test's database is dropped by force; a connection that dies of it is no failure.
  pool.on('error', () => {})
  t.after(async () => {
    const leaked = pool.totalCount - pool.idleCount
    if (!pool.ending) void pool.end().catch(() => {})
    assert.equal(leaked, 0, `${leaked} client(s) of the pool were never released`)
  })
  return pool
}

function givenCluster(url: string): Cluster {
  return {
    url: (database) => {
      const named = new URL(url)
      named.pathname = `/${database}`
      return named.href
    },
  }
}

async function startOwn(): Promise<EmbeddedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'crossfade-test-'))
  // As root, the user that PostgreSQL runs as must get in, or the data would be placed elsewhere.
  await chmod(dataDir, 0o711)
  const server = await startPostgres({ dataDir, log: () => {}, fast: true, icuLocale: 'en-US' })
  own = { server, dataDir }
  return server
}

async function administer(running: Cluster, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: running.url('postgres') })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
