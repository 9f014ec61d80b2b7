import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SecretValue } from '../../backends/secret.ts'
import { ANY } from '../../backends/store.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { at, enrolAll, get, INTEGRATION, ledgerServer, makeSystem, put, type Replica, until } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const limits = { skip: redis.skip, timeout: 90_000 }

const guardCap = ({ application }: Replica) =>
  application.engine.flags.caps.list().find(({ kind, integration }) => kind === 'guard' && integration === INTEGRATION)

/** Past the proxy. */
async function corrupt({ application }: Replica, name: string): Promise<void> {
  const { stores, clock } = application.engine
  const { legacy } = stores.pairs(INTEGRATION).stores
  const secret = { value: SecretValue.ofText('sabotage'), contentType: null, metadata: {} }
  const outcome = await legacy.put(at(name), secret, ANY, { deadline: clock.monotonic() + 5000 })
  assert.equal(outcome.kind, 'done')
}

test(
  'a stable mismatch on one replica caps the cohort on all, durable, with evidence, until it is lifted',
  limits,
  async (t) => {
    const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
    const a = await system.start('a', 'live')
    const b = await system.start('b', 'live')
    await enrolAll(a)
    await put(a, 'one', 'v1')
    await a.application.engine.lazy.flush()
    await corrupt(a, 'one')
    assert.equal((await get(a, 'one')).phase, 'live')
    await until(a, () => guardCap(a) !== undefined && guardCap(b) !== undefined)
    assert.equal((await get(b, 'one')).phase, 'shadow')
    await until(a, async () =>
      (await a.ops.call('events', { query: {} })).events.some(({ kind }) => kind === 'guard-trip'),
    )

    await until(b, async () => {
      const { durable, applied, of } = (await b.ops.call('status', { query: {} })).caps
      return durable && applied === 2 && of === 2
    })
    const { integrations } = await b.ops.call('status', { query: { selector: INTEGRATION } })
    const [cap] = integrations[0]?.caps ?? []
    assert.deepEqual([cap?.source, cap?.phase, cap?.evidence?.budget], ['guard', 'shadow', 'mismatches'])
    const { mismatches } = await a.ops.call('mismatches', { query: { selector: INTEGRATION } })
    assert.deepEqual(cap?.evidence?.mismatches, [{ id: mismatches[0]?.id, class: 'value' }])
    assert.doesNotMatch(JSON.stringify(integrations), /sabotage|v1/)
    const { steps, next } = await a.ops.call('explain', { params: { integration: INTEGRATION, customer: 'acme' } })
    assert.match(steps.map(({ rule, because }) => `${rule}: ${because}`).join('\n'), /cap \(guard\): .*value #/)
    assert.match(next.join('\n'), /crossfade lift aws --cohort general/)

    const { events } = await a.ops.call('events', { query: {} })
    assert.equal(events.filter(({ kind }) => kind === 'guard-trip').length, 1, 'one trip, one event')
    await assert.rejects(a.ops.call('lift', { body: { selector: INTEGRATION } }), { code: 'lift-refused' })
    const lifted = await b.ops.call('lift', { body: { selector: INTEGRATION, force: true } })
    assert.equal(lifted.lifted.length, 1)
    assert.deepEqual([guardCap(a), guardCap(b)], [undefined, undefined])
  },
)

test(
  'calls of two replicas add up over Redis; without it each goes on with its own, and says so',
  limits,
  async (t) => {
    const server = await privateRedis(t, redis.path)
    const system = await makeSystem(t, await ledger(), { redis: server.url })
    const a = await system.start('a', 'live')
    const b = await system.start('b', 'live')
    await enrolAll(a)
    const fail = ({ application }: Replica, times: number): void => {
      const call = { integration: INTEGRATION, customer: 'acme', side: 'new', failed: true, ms: null } as const
      for (let i = 0; i < times; i += 1) application.engine.guard.observe(call)
    }
    const seenBy = async (replica: Replica) => {
      const { integrations } = await replica.ops.call('status', { query: { selector: INTEGRATION } })
      return integrations[0]?.guard
    }
    fail(a, 120)
    await until(b, async () => (await seenBy(b))?.cohorts[0]?.errors === 120)
    assert.equal(guardCap(b), undefined, 'too few')
    assert.equal((await seenBy(b))?.shared, true)
    fail(b, 100)
    await until(a, () => guardCap(a) !== undefined && guardCap(b) !== undefined)
    assert.equal(guardCap(a)?.evidence?.budget, 'errors')
    await until(b, async () => (await b.ops.call('status', { query: {} })).caps.durable)
    await a.ops.call('lift', { body: { selector: INTEGRATION, force: true } })
    await until(b, () => guardCap(b) === undefined)

    await server.kill()
    await until(a, () => !a.application.engine.parts.bus.hears())
    await until(a, async () => (await a.metric('crossfade_guard_figures_shared')) === 0)
    fail(a, 250)
    await until(a, () => guardCap(a) !== undefined)
    assert.equal(guardCap(a)?.evidence?.calls, 250)
    assert.equal((await seenBy(a))?.shared, false)
    await until(b, () => guardCap(b) !== undefined)
  },
)
