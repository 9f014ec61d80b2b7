import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../core/fault.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { at, BARE, enrolAll, get, INTEGRATION, ledgerServer, makeSystem, put, type Replica, until } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const limits = { timeout: 90_000 }

const refusal = async (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    () => assert.fail('it was not refused'),
    (error: Fault) => error,
  )

const reachable = (replica: Replica) => replica.metric('crossfade_ledger_reachable')
const trusted = ({ application }: Replica) => application.engine.parts.replica.trusted()

/** What each store holds, past the proxy. */
async function inStores({ application }: Replica, name: string): Promise<readonly string[]> {
  const { stores, clock } = application.engine
  const { legacy, new: sealed } = stores.pairs(INTEGRATION).stores
  const call = { deadline: clock.monotonic() + 5000 }
  const found = await Promise.all([legacy, sealed].map((store) => store.get(at(name), call)))
  return found.map((outcome) =>
    outcome.kind === 'found' ? Buffer.from(outcome.secret.value.open()).toString() : outcome.kind,
  )
}

test(
  'while the ledger is away nothing is half written, memory serves for one lease, and then only what is proven',
  limits,
  async (t) => {
    const server = await ledger()
    const system = await makeSystem(t, server, { redis: null, lease: 3000 })
    const a = await system.start('a', 'dualwrite')
    await enrolAll(a)
    await put(a, 'one', 'v1')
    await put(a, 'bare', 'v1', BARE)
    await a.application.engine.lazy.flush()
    assert.equal(await reachable(a), 1)

    await server.stop()
    const refused = await refusal(put(a, 'one', 'v2'))
    assert.deepEqual([refused.code, refused.status, refused.retryAfter], ['ledger-unavailable', 503, 1])
    assert.equal((await refusal(put(a, 'two', 'v1'))).code, 'ledger-unavailable')
    assert.deepEqual(await inStores(a, 'one'), ['v1', 'v1'])
    assert.deepEqual(await inStores(a, 'two'), ['absent', 'absent'])
    assert.equal(trusted(a), true, 'the lease lasts')
    assert.equal((await get(a, 'one')).value, 'v1')

    await until(a, () => !trusted(a))
    const unproven = await refusal(get(a, 'one'))
    assert.deepEqual([unproven.code, unproven.status], ['freshness-unproven', 503])
    // Gauges follow at the next refresh.
    await until(a, async () => (await reachable(a)) === 0 && (await a.metric('crossfade_replica_lease_held')) === 0)
    assert.equal((await a.ops.call('status', { query: {} })).away.ledger, true)
    assert.equal(await a.readiness(), 200, 'taken out, it would turn an outage of the ledger into one of everything')

    await put(a, 'bare', 'v2', BARE)
    assert.equal((await get(a, 'bare', BARE)).value, 'v2', 'what is not enrolled is not concerned')

    await server.start()
    await until(a, () => trusted(a))
    assert.equal((await put(a, 'one', 'v3')).phase, 'dualwrite')
    assert.equal((await get(a, 'one')).value, 'v3')
    await until(a, async () => (await reachable(a)) === 1 && (await a.metric('crossfade_replica_lease_held')) === 1)
  },
)

test('an integration may be served unproven while the ledger is away, and the answer says so', limits, async (t) => {
  const server = await ledger()
  const system = await makeSystem(t, server, { redis: null, whenDown: 'unproven', lease: 1000 })
  const a = await system.start('a', 'dualwrite')
  await enrolAll(a)
  await put(a, 'one', 'v1')
  await a.application.engine.lazy.flush()
  await server.stop()
  await until(a, () => !trusted(a))
  const { secret, served } = (await a.application.engine.secrets.read(at('one'))) as {
    secret: { value: { open(): Uint8Array } }
    served: { unproven: boolean }
  }
  assert.deepEqual([Buffer.from(secret.value.open()).toString(), served.unproven], ['v1', true])
  await server.start()
  await until(a, () => trusted(a))
})

test(
  'a replica that starts without the ledger is not ready, and is as soon as the ledger is there',
  limits,
  async (t) => {
    const server = await ledger()
    const system = await makeSystem(t, server, { redis: null })
    const { config, operators } = await system.configure('a', 'off')
    await server.stop()
    const starting = system.serve(config)
    const answers = async () => (await fetch(`${operators}/readyz`).catch(() => null))?.status ?? null
    let status = await answers()
    while (status === null) status = await answers()
    assert.equal(status, 503)
    await server.start()
    assert.equal(await (await starting).readiness(), 200)
  },
)

test('a rollback while the ledger is away reaches every replica over the bus, and is made durable when it is back', {
  ...limits,
  skip: redis.skip,
}, async (t) => {
  const server = await ledger()
  const system = await makeSystem(t, server, { redis: (await privateRedis(t, redis.path)).url, lease: 3000 })
  const a = await system.start('a', 'complete')
  const b = await system.start('b', 'complete')
  await enrolAll(a)
  await put(a, 'one', 'v1')
  await until(a, async () => (await a.metric('crossfade_replicas_live')) === 2)
  await server.stop()
  const rolled = await a.ops.call('rollback', { body: { selector: INTEGRATION, to: 'off' } })
  assert.deepEqual([rolled.durable, rolled.replicas], [false, { applied: 2, of: 2 }])
  assert.equal(b.application.engine.flags.caps.lowest(INTEGRATION, 'general')?.phase, 'off')

  await server.start()
  const { capRecords } = a.application.engine.flags
  await until(a, async () => (await capRecords.load().catch(() => [])).length === 1)
  await until(b, () => trusted(a) && trusted(b))
  assert.equal((await put(b, 'one', 'v2')).phase, 'off')
  const c = await system.start('c', 'complete')
  assert.equal((await put(c, 'one', 'v3')).phase, 'off', 'one that starts later has it too')
})

test('ledger and bus away at once, and both back: no acknowledged write is lost or stale on any replica', {
  ...limits,
  skip: redis.skip,
}, async (t) => {
  const server = await ledger()
  const bus = await privateRedis(t, redis.path)
  const system = await makeSystem(t, server, { redis: bus.url })
  const a = await system.start('a', 'complete')
  const b = await system.start('b', 'off')
  await enrolAll(a)
  await put(a, 'one', 'v1')
  await Promise.all([server.stop(), bus.kill()])
  assert.equal((await refusal(put(a, 'one', 'v2'))).status, 503)
  assert.equal((await refusal(put(b, 'one', 'v3'))).status, 503)
  await until(a, () => !trusted(a) && !trusted(b))
  await Promise.all([server.start(), bus.start()])
  await until(a, () => trusted(a) && trusted(b))
  assert.deepEqual(await get(b, 'one'), { value: 'v1', by: 'new', phase: 'off' })
  await put(b, 'one', 'v4')
  assert.equal((await get(a, 'one')).value, 'v4')
})
