import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { type EmbeddedPostgres, startPostgres } from '../../bin/embedded/postgres.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'

const running = new Set<EmbeddedPostgres>()

async function dataFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-embedded-'))
  t.after(async () => {
    for (const server of running) await server.stop()
    running.clear()
    // As root the data may lie elsewhere, behind this link.
    const cluster = await realpath(join(folder, 'data', 'cluster')).catch(() => null)
    if (cluster) await rm(cluster, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  })
  return folder
}

async function started(dataDir: string, port = 0): Promise<EmbeddedPostgres> {
  const server = await startPostgres({ dataDir, port, log: () => {}, fast: true })
  running.add(server)
  return server
}

async function query(server: EmbeddedPostgres, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('a fresh database is empty, and collates as a legacy database may: not by byte', async (t) => {
  const pool = testPool(t, (await freshDatabase(t)).url)
  const { rows } = await pool.query(
    `select 'a' < 'B' as human, (select count(*)::int from pg_stat_user_tables) as tables`,
  )
  assert.deepEqual(rows, [{ human: true, tables: 0 }])
})

test('data is found again at the next start, also below a folder that only its owner may enter', async (t) => {
  const home = await dataFolder(t)
  await chmod(home, 0o700)
  const first = await started(join(home, 'data'))
  await query(first, 'create table kept as select 42 as answer')
  await first.stop()
  const second = await started(join(home, 'data'))
  assert.deepEqual(await query(second, 'select answer from kept'), [{ answer: 42 }])
})

test('the password file is for its owner alone, and another password is refused', async (t) => {
  const server = await started(join(await dataFolder(t), 'data'))
  assert.equal((await stat(server.passwordFile)).mode & 0o077, 0)
  const stranger = new URL(server.url('postgres'))
  stranger.password = 'guess'
  await assert.rejects(new pg.Client({ connectionString: stranger.href }).connect(), { code: '28P01' })
})

test('a second system on one data folder is refused, and told the process of the first', async (t) => {
  const dataDir = join(await dataFolder(t), 'data')
  await started(dataDir)
  await assert.rejects(started(dataDir), {
    code: 'embedded-already-running',
    detail: new RegExp(`^process ${process.pid}, `),
  })
})

test('a port that is taken is named', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  const { port } = holder.address() as { port: number }
  const start = started(join(await dataFolder(t), 'data'), port)
  await assert.rejects(start, { code: 'embedded-port-taken', detail: new RegExp(`^127\\.0\\.0\\.1:${port}: `) })
})

test('damaged data is reported with what to do, and left as it is', async (t) => {
  const dataDir = join(await dataFolder(t), 'data')
  const first = await started(dataDir)
  await first.stop()
  const control = join(dataDir, 'cluster', 'pgdata', 'global', 'pg_control')
  await writeFile(control, 'nonsense')
  await assert.rejects(started(dataDir), { code: 'embedded-data-unusable', next: /move the folder/i })
  assert.equal((await stat(control)).size, 'nonsense'.length)
})

test('a folder that is no cluster is not touched', async (t) => {
  const dataDir = join(await dataFolder(t), 'data')
  const first = await started(dataDir)
  await first.stop()
  await rm(join(dataDir, 'cluster', 'pgdata', 'PG_VERSION'))
  await assert.rejects(started(dataDir), { code: 'embedded-data-unusable', detail: /PG_VERSION is missing/ })
})

test('after its process was killed, the server ends and the next start goes on with the data', async (t) => {
  const dataDir = join(await dataFolder(t), 'data')
  const program = `
    const { startPostgres } = await import(process.argv[1])
    const server = await startPostgres({ dataDir: process.argv[2], log: () => {} })
    console.log(server.port)
    setInterval(() => {}, 1000)`
  const module = new URL('../../bin/embedded/postgres.ts', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, module, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  child.kill('SIGKILL')
  await once(child, 'close')
  const next = await started(dataDir)
  await assert.rejects(once(connect(Number(port), '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
  assert.deepEqual(await query(next, 'select 1 as one'), [{ one: 1 }])
})
