import assert from 'node:assert/strict'
import { test } from 'node:test'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { startProcess } from './processes.ts'
import { at, enrolAll, get, INTEGRATION, LEASE_MS, ledgerServer, makeSystem, put, until } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const limits = { skip: redis.skip, timeout: 90_000 }

test('a debt made on one replica is known on the other before the answer', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
  const a = await system.start('a', 'complete')
  const b = await system.start('b', 'off')
  await enrolAll(a)
  for (const name of ['one', 'two', 'three']) {
    const written = await put(a, name, `of ${name}`)
    assert.equal(written.phase, 'complete')
    assert.equal(b.application.engine.memory.debtOf(at(name)), 'new', 'known at the instant of the answer')
    assert.deepEqual(await get(b, name), { value: `of ${name}`, by: 'new', phase: 'off' })
  }
  assert.equal(await b.metric('crossfade_ledger_asks_total'), 0, 'from memory')
  assert.equal(await a.metric('crossfade_replica_revocations_total'), 0, 'nobody was silent')
})

test('a replica that starts late misses nothing that was written before or while it started', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
  const a = await system.start('a', 'complete')
  await enrolAll(a)
  await put(a, 'before', 'v1')
  const starting = system.start('b', 'off')
  const during: string[] = []
  let started = false
  void starting.then(() => {
    started = true
  })
  for (let i = 0; !started; i += 1) {
    await put(a, `during-${i}`, `v${i}`)
    during.push(`during-${i}`)
  }
  const b = await starting
  assert.deepEqual(await get(b, 'before'), { value: 'v1', by: 'new', phase: 'off' })
  for (const [i, name] of during.entries()) assert.equal((await get(b, name)).value, `v${i}`)
})

test('a replica that is stopped holds a write up for one lease at most, and once', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
  const a = await system.start('a', 'complete')
  const { child, ...b } = await startProcess(t, system, 'b', 'off', ['--no-worker'])
  await enrolAll(a)
  await put(a, 'first', 'v1')
  assert.deepEqual(await get(b, 'first'), { value: 'v1', by: 'new', phase: 'off' })

  child.kill('SIGSTOP')
  const began = performance.now()
  await put(a, 'second', 'v2')
  const waited = performance.now() - began
  const live = await a.application.engine.parts.replicas.live()
  assert.deepEqual(
    live.map(({ name }) => name),
    ['a'],
    'its lease was over at the answer',
  )
  assert.ok(waited < LEASE_MS + 1500, `waited ${waited} ms`)
  assert.equal(await a.metric('crossfade_replica_revocations_total'), 1)
  await put(a, 'third', 'v3')
  assert.equal(await a.metric('crossfade_replica_revocations_total'), 1, 'nobody waited for it again')

  child.kill('SIGCONT')
  assert.deepEqual(await get(b, 'second'), { value: 'v2', by: 'new', phase: 'off' })
  assert.deepEqual(await get(b, 'third'), { value: 'v3', by: 'new', phase: 'off' })
})

test('a replica that is cut off from the bus alone is not waited for long: it joins again', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  const system = await makeSystem(t, await ledger(), { redis: server.url, lease: 30_000 })
  const a = await system.start('a', 'complete')
  const b = await system.start('b', 'off')
  await enrolAll(a)
  // It acknowledges nothing from here on, and does not know why.
  b.application.engine.parts.bus.publish = () => undefined
  await put(a, 'one', 'v1')
  assert.equal(await a.metric('crossfade_replica_revocations_total'), 1)
  const live = await a.application.engine.parts.replicas.live()
  assert.equal(live.length, 2, 'its lease of 30 s still holds: it was taken anew')
  assert.equal((await get(b, 'one')).value, 'v1')
})

test('Redis may go and come back: both replicas go on, and trust their memory again', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  const system = await makeSystem(t, await ledger(), { redis: server.url })
  const a = await system.start('a', 'complete')
  const b = await system.start('b', 'off')
  await enrolAll(a)
  await put(a, 'one', 'v1')

  await server.kill()
  await until(a, async () => !a.application.engine.parts.bus.hears() && !b.application.engine.parts.bus.hears())
  await put(a, 'two', 'v2')
  assert.deepEqual(await get(b, 'two'), { value: 'v2', by: 'new', phase: 'off' })
  assert.ok((await b.metric('crossfade_ledger_asks_total')) > 0, 'it asked the ledger')
  assert.equal(await b.metric('crossfade_bus_hears'), 0)
  assert.equal(await b.readiness(), 200, 'ready without its bus')

  await server.start()
  const trusted = () => [a, b].every(({ application }) => application.engine.parts.replica.trusted())
  await until(b, trusted)
  const asked = await b.metric('crossfade_ledger_asks_total')
  await put(a, 'three', 'v3')
  assert.equal(b.application.engine.memory.debtOf(at('three')), 'new')
  for (const [name, value] of [
    ['one', 'v1'],
    ['two', 'v2'],
    ['three', 'v3'],
  ] as const)
    assert.equal((await get(b, name)).value, value)
  assert.equal(await b.metric('crossfade_ledger_asks_total'), asked, 'from memory again')
  assert.ok((await b.metric('crossfade_bus_deaf_total')) >= 1)
})

test(
  'a replica without a bus to hear still follows a change of state, so that enrol does not wait',
  limits,
  async (t) => {
    const server = await privateRedis(t, redis.path)
    const system = await makeSystem(t, await ledger(), { redis: server.url })
    const a = await system.start('a', 'off')
    const b = await system.start('b', 'off')
    await server.kill()
    await until(a, async () => !a.application.engine.parts.bus.hears() && !b.application.engine.parts.bus.hears())
    await enrolAll(a)
    await until(b, () => b.application.engine.parts.replica.state(INTEGRATION) === 'enrolled')
    const { replicas } = await a.ops.call('replicas', {})
    assert.deepEqual(
      replicas.map(({ name, state, self }) => ({ name, state, self })),
      [
        { name: 'a', state: 'deaf', self: true },
        { name: 'b', state: 'deaf', self: false },
      ],
    )
  },
)

test('a rollback is in effect on every replica at its answer, which says so; and so is its lift', limits, async (t) => {
  const server = await privateRedis(t, redis.path)
  const system = await makeSystem(t, await ledger(), { redis: server.url })
  const a = await system.start('a', 'complete')
  const b = await system.start('b', 'complete')
  await enrolAll(a)
  assert.equal((await put(b, 'one', 'v1')).phase, 'complete')
  const body = { selector: INTEGRATION, to: 'off' as const }
  const rolled = await a.ops.call('rollback', { body })
  assert.deepEqual([rolled.durable, rolled.replicas], [true, { applied: 2, of: 2 }])
  assert.equal((await put(b, 'one', 'v2')).phase, 'off')

  const lifted = await b.ops.call('lift', { body: { selector: INTEGRATION, force: true } })
  assert.deepEqual(lifted.replicas, { applied: 2, of: 2 })
  assert.equal((await put(a, 'one', 'v3')).phase, 'complete')

  await server.kill()
  await until(a, async () => !a.application.engine.parts.bus.hears() && !b.application.engine.parts.bus.hears())
  const deaf = await a.ops.call('rollback', { body })
  assert.deepEqual(deaf.replicas, { applied: 2, of: 2 }, 'by way of the ledger')
  assert.equal((await put(b, 'one', 'v4')).phase, 'off')
})

test('without a bus a second replica is refused, with one it is not', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  await system.start('a', 'off')
  await assert.rejects(system.start('b', 'off'), { code: 'second-replica' })
})
