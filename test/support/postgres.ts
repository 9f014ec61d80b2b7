import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import { type EmbeddedPostgres, startPostgres } from '../../bin/embedded/postgres.ts'
import { CLUSTERS, type ClusterKind } from './clusters.ts'

interface Cluster {
  url(database: string): string
}

const clusters = new Map<ClusterKind, Promise<Cluster>>()
const own: { readonly server: EmbeddedPostgres; readonly dataDir: string }[] = []
let count = 0

// Here, not where it is started: a hook made inside a test would belong to that test.
after(async () => {
  for (const { server, dataDir } of own) {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})

function clusterOf(kind: ClusterKind): Promise<Cluster> {
  const given = process.env[CLUSTERS[kind]]
  const cluster = clusters.get(kind) ?? (given ? Promise.resolve(givenCluster(given)) : startOwn(kind))
  clusters.set(kind, cluster)
  return cluster
}

/**
 * A new empty database, dropped after the test. Its default collation is en-US, as a legacy database's may well be.
 * `options` follow `create database NAME`, such as `encoding 'LATIN1' template template0`.
 */
export async function freshDatabase(
  t: TestContext,
  kind: ClusterKind = 'fast',
  options = '',
): Promise<{ readonly url: string }> {
  const running = await clusterOf(kind)
  const name = `t_${process.pid}_${count++}`
  await administer(running, `create database ${name} ${options}`)
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

async function startOwn(kind: ClusterKind): Promise<EmbeddedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'crossfade-test-'))
  // As root, the user that PostgreSQL runs as must get in, or the data would be placed elsewhere.
  await chmod(dataDir, 0o711)
  const server = await startPostgres({ dataDir, log: () => {}, fast: kind === 'fast', icuLocale: 'en-US' })
  own.push({ server, dataDir })
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
