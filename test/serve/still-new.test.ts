import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import { type Relay, startRelay } from '../chaos/relay.ts'
import { privateRedis } from '../ledger/private-redis.ts'
import { outcomeOf } from '../support/outcome-of.ts'
import { needs } from '../support/parts.ts'
import { startProcess } from './processes.ts'
import { INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const ONLY_NEW = 500
const OTHERS = 20
/** So many passes, each at a slow store: there is time to be told when the last one ends. */
const BATCH = 20
const LATE = { kind: 'late', delay: 250 } as const
const CUSTOMER = 'acme'
const of = (name: string): Address => ({ integration: INTEGRATION, customer: CUSTOMER, name })
const plain = { contentType: null, metadata: {} }

const inBatches = async (names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> => {
  for (let i = 0; i < names.length; i += 20) await Promise.all(names.slice(i, i + 20).map(work))
}

test('the new store stops in complete with 500 secrets that only it holds: a rollback counts them, and they come home', {
  skip: redis.skip,
  timeout: 240_000,
}, async (t) => {
  let relay: Relay | null = null
  const system = await makeSystem(t, await ledger(), {
    redis: (await privateRedis(t, redis.path)).url,
    batch: BATCH,
    newThrough: async (port) => {
      relay = await startRelay(port)
      t.after(() => relay?.close())
      return relay.port
    },
  })
  const a = await startProcess(t, system, 'a', 'complete')
  const b = await startProcess(t, system, 'b', 'complete')
  const others = Array.from({ length: OTHERS }, (_, i) => `other-${i}`)
  await inBatches(others, (name) => a.secrets.put(of(name), Buffer.from(`old ${name}`), plain))
  await a.ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
  assert.equal(await outcomeOf(a.ops, INTEGRATION), 'done')

  const names = Array.from({ length: ONLY_NEW }, (_, i) => `only-new-${i}`)
  await inBatches(names, (name) => b.secrets.put(of(name), Buffer.from(`new ${name}`), plain))
  ;(relay as Relay | null)?.set({ kind: 'refuse' })

  const rolled = await a.ops.call('rollback', { body: { selector: INTEGRATION } })
  assert.deepEqual([rolled.durable, rolled.replicas], [true, { applied: 2, of: 2 }])
  assert.deepEqual(
    [rolled.still_new?.secrets, rolled.still_new?.until, rolled.still_new?.seconds],
    [ONLY_NEW, 'store-away', null],
  )
  for (const name of others) {
    const found = await b.secrets.get(of(name))
    assert.deepEqual(
      [found.served_by, found.phase, Buffer.from(found.value).toString()],
      ['legacy', 'off', `old ${name}`],
    )
  }
  await assert.rejects(b.secrets.get(of('only-new-0')), { status: 503 })
  const stillNew = async () =>
    (await b.ops.call('status', { query: { selector: INTEGRATION } })).integrations[0]?.still_new
  assert.equal((await stillNew())?.secrets, ONLY_NEW, 'nothing is given up')
  const away = async () => (await a.ops.call('status', { query: {} })).away
  // Its breaker opens after some failures in a row.
  while ((await away()).stores.length === 0) await assert.rejects(a.secrets.get(of('only-new-0')), { status: 503 })
  assert.deepEqual(await away(), { ledger: false, stores: ['vaulted'], unfit: [] })

  ;(relay as Relay | null)?.set(LATE)
  let left = await stillNew()
  let estimates = 0
  while ((left?.secrets ?? 1) > 0) {
    if (left?.until === 'estimated') estimates += 1
    left = await stillNew()
  }
  assert.equal(left?.until, 'now')
  assert.ok(estimates > 0, 'it said when')
  ;(relay as Relay | null)?.set({ kind: 'pass' })
  await inBatches(names, async (name) => {
    const found = await a.secrets.get(of(name))
    assert.deepEqual([found.served_by, Buffer.from(found.value).toString()], ['legacy', `new ${name}`])
  })
})
