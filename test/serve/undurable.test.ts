import assert from 'node:assert/strict'
import { test } from 'node:test'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { startProcess } from './processes.ts'
import { enrolAll, INTEGRATION, ledgerServer, makeSystem, put, type Replica, until } from './replicas.ts'

/* Rollbacks that the ledger could not take. */

const redis = needs('redis-server')
const ledger = ledgerServer()
const limits = { timeout: 120_000 }
const body = { selector: INTEGRATION, to: 'off' as const }

const NOT_NOW = [
  `create function crossfade.not_now() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$`,
  'create trigger not_now before insert on crossfade.cap for each row execute function crossfade.not_now()',
]

const capped = ({ application }: Replica): boolean =>
  application.engine.flags.storedCaps.list().some(({ integration }) => integration === INTEGRATION)
const durable = ({ application }: Replica): Promise<number> =>
  application.engine.flags.capRecords.load().then(
    (caps) => caps.length,
    () => -1,
  )

test('the process that was asked dies before the ledger is back: the others make it durable, and who starts learns it', {
  ...limits,
  skip: redis.skip,
}, async (t) => {
  const server = await ledger()
  const system = await makeSystem(t, server, { redis: (await privateRedis(t, redis.path)).url })
  const b = await system.start('b', 'complete')
  const { child, ...a } = await startProcess(t, system, 'a', 'complete', ['--no-worker'])
  await enrolAll(b)
  await until(b, async () => (await b.metric('crossfade_replicas_live')) === 2)
  const { database } = b.application.engine.parts
  // When the ledger is back nobody can write a cap before the test says so.
  for (const statement of NOT_NOW) await database.query(null, statement, [])
  await server.stop()
  const rolled = await a.ops.call('rollback', { body })
  assert.deepEqual([rolled.durable, rolled.still_new], [false, null])
  await until(b, () => capped(b))
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited

  await server.start()
  const c = await system.start('c', 'complete')
  assert.equal(await durable(c), 0, 'the ledger does not have it')
  assert.equal(capped(c), true, 'and who starts has learnt it')
  await database.query(null, 'drop trigger not_now on crossfade.cap', [])
  await until(c, async () => (await durable(c)) === 1)
  assert.equal((await put(c, 'one', 'v1')).phase, 'off')
  const lifted = await c.ops.call('lift', { body: { selector: INTEGRATION, force: true } })
  assert.equal(lifted.lifted.length, 1)
  await until(b, () => !capped(b))
  await b.application.engine.capSpread.follow()
  assert.equal(await durable(c), 0, 'nobody writes again what was lifted')
})

test('a replica that starts is not ready while one that may hold a rollback has not answered', {
  ...limits,
  skip: redis.skip,
}, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
  const a = await system.start('a', 'complete')
  const { child, ops } = await startProcess(t, system, 'b', 'complete', ['--no-worker'])
  await enrolAll(a)
  for (const statement of NOT_NOW) await a.application.engine.parts.database.query(null, statement, [])
  await a.stop()
  const rolled = await ops.call('rollback', { body })
  assert.equal(rolled.durable, false, 'b alone has it')

  child.kill('SIGSTOP')
  const next = await system.configure('c', 'complete')
  const starting = system.serve(next.config)
  const ready = async () => (await fetch(`${next.operators}/readyz`).catch(() => null))?.status ?? null
  let status = await ready()
  while (status === null) status = await ready()
  assert.equal(status, 503)
  child.kill('SIGCONT')
  const c = await starting
  assert.equal(capped(c), true)
  await c.application.engine.parts.database.query(null, 'drop trigger not_now on crossfade.cap', [])
  await until(c, async () => (await durable(c)) === 1)
})

test('alone, a rollback that the ledger could not take waits in a file for the next process', limits, async (t) => {
  const server = await ledger()
  const system = await makeSystem(t, server, { redis: null, capsFile: true })
  const { config } = await system.configure('alone', 'complete')
  const first = await system.serve(config)
  await enrolAll(first)
  await server.stop()
  const rolled = await first.ops.call('rollback', { body })
  assert.equal(rolled.durable, false)
  assert.equal((await first.ops.call('status', { query: {} })).caps.durable, false)
  await first.stop()

  await server.start()
  const next = await system.serve(config)
  assert.equal(capped(next), true, 'before it was ready')
  await until(next, async () => (await durable(next)) === 1)
  assert.equal((await put(next, 'one', 'v1')).phase, 'off')
})

test('a rollback never raises: a lower one stays', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const a = await system.start('a', 'complete')
  await enrolAll(a)
  await a.ops.call('rollback', { body })
  const { caps } = await a.ops.call('rollback', { body: { ...body, to: 'live' } })
  assert.deepEqual(
    caps.map(({ phase }) => phase),
    ['off'],
  )
  assert.equal((await put(a, 'one', 'v1')).phase, 'off')
})
