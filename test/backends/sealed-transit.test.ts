import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type pg from 'pg'
import type { SealedConfig } from '../../backends/sealed/config.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import { ANY, type GetOutcome } from '../../backends/store.ts'
import { startRelay } from '../chaos/relay.ts'
import { type Bao, useBao } from '../support/bao.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { address, call, fenceOf, plain, plainSecret, secret } from './checks/check.ts'
import { deps } from './subjects.ts'
import { transitConfig } from './transit-subject.ts'
import { rewrap, type Sealed } from './with-sealed.ts'

const bao = useBao()
const WHERE = address('aws')
const KEY = 'customer-acme'

interface Opened {
  readonly store: Sealed
  readonly replica: () => Sealed
  readonly pool: pg.Pool
  readonly server: Bao
  readonly mount: string
}

async function open(t: TestContext, more: object = {}): Promise<Opened> {
  const server = await bao.server()
  const { url } = await freshDatabase(t)
  const config = await transitConfig(t, server, url, more)
  const replica = (): Sealed => {
    const store = openSealedStore(config, deps('vaulted'))
    t.after(() => store.close())
    return store as Sealed
  }
  return { store: replica(), replica, pool: testPool(t, url), server, mount: mountOf(config) }
}
const mountOf = ({ keyring }: SealedConfig): string => {
  assert.ok(keyring.kind === 'transit')
  return keyring.mount
}
const inShort = (outcome: GetOutcome): string =>
  'reason' in outcome ? `${outcome.kind} ${outcome.reason}` : outcome.kind

const WAYS: Readonly<Record<string, (opened: Opened) => Promise<unknown>>> = {
  'is soft-deleted at the server': ({ server, mount }) => server.ask('DELETE', `${mount}/keys/${KEY}/soft-delete`),
  'is deleted at the server': async ({ server, mount }) => {
    await server.ask('POST', `${mount}/keys/${KEY}/config`, { deletion_allowed: true })
    await server.ask('DELETE', `${mount}/keys/${KEY}`)
  },
  'is revoked through the store': ({ store }) => store.keys.change('acme', 'revoke', call()),
  'is destroyed through the store': ({ store }) => store.keys.change('acme', 'destroy', call()),
}

for (const [how, end] of Object.entries(WAYS)) {
  test(`a customer whose key ${how} is revoked in every replica, and no write undoes it`, {
    skip: bao.skip,
  }, async (t) => {
    const opened = await open(t)
    const { store, replica, server, mount } = opened
    const fence = fenceOf(await store.put(WHERE, secret('a'), ANY, call()))
    await store.put(address('aws', 'token', 'other'), secret('b'), ANY, call())
    await end(opened)
    const keyBefore = await server.ask('GET', `${mount}/keys/${KEY}`).catch(() => null)
    for (const each of [store, replica()]) {
      assert.equal(inShort(await each.get(WHERE, call())), 'error revoked')
      for (const name of ['token', 'another']) {
        const outcome = await each.put(address('aws', name), secret('c'), ANY, call())
        assert.deepEqual(outcome, { kind: 'refused', reason: 'revoked' })
      }
      assert.equal(inShort(await each.get(address('aws', 'token', 'other'), call())), 'found')
    }
    assert.deepEqual(await server.ask('GET', `${mount}/keys/${KEY}`).catch(() => null), keyBefore)
    // What needs no key is still possible.
    assert.equal((await store.remove(WHERE, { kind: 'at', fence }, call())).kind, 'done')
  })
}

test('rotate and rewrap carry every kept version over without a plaintext, and what is moved does not open', {
  skip: bao.skip,
}, async (t) => {
  const { store, pool, server, mount } = await open(t)
  for (const word of ['a', 'b', 'c']) await store.put(WHERE, secret(word), ANY, call())
  await store.put(address('aws', 'second'), secret('d'), ANY, call())
  const fence = fenceOf(await store.get(WHERE, call()))
  assert.deepEqual(await store.keys.change('acme', 'rotate', call()), { kind: 'done', keyVersion: 2 })
  const sums = await rewrap(store, { limit: 3 })
  assert.deepEqual([sums.resealed, sums.current, sums.undecryptable], [4, 0, 0])
  assert.deepEqual((await rewrap(store)).current, 4)
  const versions = await pool.query('select distinct key_version from sealed.version')
  assert.deepEqual(versions.rows, [{ key_version: 2 }])
  // So nothing is left under the first version, which can be closed at the server.
  await server.ask('POST', `${mount}/keys/${KEY}/config`, { min_decryption_version: 2 })
  const read = await store.get(WHERE, call())
  assert.deepEqual(plain(read), plainSecret(secret('c')))
  assert.equal(fenceOf(read), fence)
  await pool.query(`delete from sealed.version where name = 'second'`)
  await pool.query(`update sealed.version set name = 'second' where version = 3`)
  assert.equal(inShort(await store.get(address('aws', 'second'), call())), 'unreadable undecryptable')
})

test('restore gives everything back', { skip: bao.skip }, async (t) => {
  const { store } = await open(t)
  await store.put(WHERE, secret('a'), ANY, call())
  await store.keys.change('acme', 'revoke', call())
  assert.equal((await store.keys.change('acme', 'restore', call())).kind, 'done')
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('a')))
})

test('nothing of a value lies in the database in the clear, and no key at all', { skip: bao.skip }, async (t) => {
  const { store, pool } = await open(t)
  await store.put(WHERE, secret('canarysecret', { metadata: { canarykey: 'canaryvalue' } }), ANY, call())
  const dump = await pool.query(`select v::text as row, encode(ciphertext, 'escape') as bytes from sealed.version v
    union all select s::text, '' from sealed.secret s union all select c::text, '' from sealed.customer c`)
  assert.equal(dump.rowCount, 3)
  assert.ok(!JSON.stringify(dump.rows).includes('canary'))
  assert.equal((await pool.query('select from sealed.data_key')).rowCount, 0)
})

test('while the server is away reads may pass, writes are refused for certain, and the store says that it is not well', {
  skip: bao.skip,
}, async (t) => {
  const relay = await startRelay((await bao.server()).port)
  t.after(() => relay.close())
  const { store } = await open(t, { address: `http://127.0.0.1:${relay.port}` })
  await store.put(WHERE, secret('a'), ANY, call())
  assert.deepEqual(await store.ping(call()), { kind: 'ok' })
  relay.set({ kind: 'refuse' })
  const read = await store.get(WHERE, call())
  assert.ok(read.kind === 'error' && read.passing, inShort(read))
  assert.deepEqual(await store.put(WHERE, secret('b'), ANY, call()), { kind: 'refused', reason: 'unavailable' })
  assert.equal((await store.ping(call())).kind, 'error')
  relay.set({ kind: 'hang' })
  assert.deepEqual(await store.put(WHERE, secret('b'), ANY, call(300)), { kind: 'refused', reason: 'unavailable' })
  relay.set({ kind: 'pass' })
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('a')))
  assert.equal((await store.put(WHERE, secret('b'), ANY, call())).kind, 'done')
})
