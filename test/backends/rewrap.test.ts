import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY } from '../../backends/store.ts'
import { listed } from '../support/answers.ts'
import { openTransaction, untilBlocked } from './blocked.ts'
import { address, at, call, fenceOf, plain, plainSecret, secret } from './checks/check.ts'
import { rewrap, type Sealed, withSealed } from './with-sealed.ts'

const CUSTOMERS = ['acme', 'beta', 'gamma']
const INTEGRATIONS = ['aws', 'github', 'jira']
const NAMES = ['one', 'two']

const everywhere = INTEGRATIONS.flatMap((integration) =>
  CUSTOMERS.flatMap((customer) => NAMES.map((name) => address(integration, name, customer))),
)
const fill = async (store: Sealed) => {
  const puts = everywhere.map((where) => ({
    address: where,
    secret: secret(`${where.integration} ${where.customer} ${where.name}`),
    condition: ANY,
  }))
  return listed(puts, await store.putMany(puts, call()))
}
const assertWhole = async (store: Sealed): Promise<void> => {
  const read = listed(everywhere, await store.getMany(everywhere, call()))
  assert.deepEqual(
    read.map(plain),
    everywhere.map((where) => plainSecret(secret(`${where.integration} ${where.customer} ${where.name}`))),
  )
}

test('after a rotation a rewrap seals every version anew, tombstones and older versions too, and keeps ids and fences', async (t) => {
  const { store, pool } = await withSealed(t)
  const first = await fill(store)
  const [where = address('')] = everywhere
  const second = await store.put(where, secret('again'), ANY, call())
  await store.remove(address('aws', 'two', 'acme'), ANY, call())
  assert.deepEqual(await store.keys.change('acme', 'rotate', call()), { kind: 'done', keyVersion: 2 })
  const before = await pool.query('select id, version from sealed.version order by id')
  const sums = await rewrap(store)
  // Six of acme, one of them with two versions, one of them removed.
  assert.deepEqual([sums.resealed, sums.current, sums.undecryptable], [6, 12, 0])
  assert.deepEqual((await pool.query('select id, version from sealed.version order by id')).rows, before.rows)
  const versions = await pool.query(
    'select customer, key_version from sealed.version where ciphertext is not null group by 1, 2 order by 1',
  )
  assert.deepEqual(versions.rows, [
    { customer: 'acme', key_version: 2 },
    { customer: 'beta', key_version: 1 },
    { customer: 'gamma', key_version: 1 },
  ])
  assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('again')))
  assert.equal((await store.put(where, secret('x'), at(fenceOf(second)), call())).kind, 'done')
  assert.equal(
    first.every(({ kind }) => kind === 'done'),
    true,
  )
})

test('a rewrap of one customer in pages of every size reaches all of that customer and nobody else', async (t) => {
  const { store, pool } = await withSealed(t)
  await fill(store)
  for (const limit of [1, 2, 5, 100]) {
    for (const customer of CUSTOMERS) await store.keys.change(customer, 'rotate', call())
    const sums = await rewrap(store, { customer: 'beta', limit })
    assert.equal(sums.resealed, 6, `pages of ${limit}`)
  }
  const left = await pool.query(`select distinct key_version from sealed.version where customer <> 'beta'`)
  assert.deepEqual(left.rows, [{ key_version: 1 }])
  await assertWhole(store)
})

test('a rewrap that was ended and begun again does only what is left', async (t) => {
  const { store, replica } = await withSealed(t)
  await fill(store)
  for (const customer of CUSTOMERS) await store.keys.change(customer, 'rotate', call())
  // The keys take one page of three customers and the empty one after it.
  const some = await rewrap(store, { limit: 4, pages: 3 })
  assert.deepEqual([some.resealed, some.current], [8, 0])
  const rest = await rewrap(replica(), { limit: 4 })
  assert.deepEqual([rest.resealed, rest.current], [10, 8])
  await assertWhole(store)
})

test('the root key is exchanged while replicas run: both are configured, every key is carried over, the old one goes', async (t) => {
  const { store, replica, exchangeRoot } = await withSealed(t)
  await fill(store)
  await store.keys.change('acme', 'rotate', call())
  await store.keys.change('beta', 'revoke', call())
  const { previous } = await exchangeRoot()
  const both = replica({ previous_root_key_file: previous })
  // What is not carried over yet is served, and what is sealed now is wrapped by the new root key.
  assert.equal((await both.get(address('github', 'one', 'gamma'), call())).kind, 'found')
  await both.put(address('aws', 'one', 'delta'), secret('delta'), ANY, call())
  assert.match((await both.check(call()))[0]?.message ?? '', /still wrapped by the previous root key/)
  const sums = await rewrap(both, { limit: 1, pages: 2 })
  assert.equal(sums.wrapped, 3)
  const rest = await rewrap(both, { limit: 1 })
  assert.deepEqual([rest.wrapped, rest.unusable], [1, 0])
  const alone = replica()
  assert.deepEqual(await alone.check(call()), [])
  await alone.keys.change('beta', 'restore', call())
  await assertWhole(alone)
  assert.deepEqual(plain(await alone.get(address('aws', 'one', 'delta'), call())), plainSecret(secret('delta')))
})

test('a key that no configured root key unwraps is counted and left alone', async (t) => {
  const { store, replica, exchangeRoot, pool } = await withSealed(t)
  await fill(store)
  await exchangeRoot()
  const before = await pool.query('select * from sealed.data_key order by customer')
  const sums = await rewrap(replica())
  assert.deepEqual([sums.wrapped, sums.unusable, sums.resealed], [0, 3, 0])
  assert.deepEqual((await pool.query('select * from sealed.data_key order by customer')).rows, before.rows)
})

test('a key that is destroyed while it is wrapped anew stays destroyed', async (t) => {
  const { store, replica, exchangeRoot, pool } = await withSealed(t)
  await fill(store)
  const { previous } = await exchangeRoot()
  const both = replica({ previous_root_key_file: previous })
  await both.get(address('aws', 'one'), call())
  const holder = await openTransaction(t, pool, 'update sealed.data_key set wrapped = null')
  const carried = rewrap(both)
  await untilBlocked(pool)
  await holder.end('COMMIT')
  await carried
  assert.equal((await pool.query('select from sealed.data_key where wrapped is not null')).rowCount, 0)
})

test('a value that does not open stops no other and is counted', async (t) => {
  const { store, pool } = await withSealed(t)
  await fill(store)
  await store.keys.change('acme', 'rotate', call())
  await pool.query(`update sealed.version set nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1)
    where customer = 'acme' and integration = 'aws' and name = 'one'`)
  const sums = await rewrap(store)
  assert.deepEqual([sums.resealed, sums.undecryptable], [5, 1])
})

test('a place that no page gave is refused, not taken for the beginning', async (t) => {
  const { store } = await withSealed(t)
  const asked = ['x', 'bnVsbA', Buffer.from('{"in":"rows","after":["","","","x"]}').toString('base64url')]
  for (const after of asked) {
    assert.deepEqual(await store.keys.rewrap({ customer: null, after, limit: 10 }, call()), {
      kind: 'failed',
      reason: 'cursor',
    })
  }
})

test('a survey counts customers by state and what is sealed, of all and of one', async (t) => {
  const { store } = await withSealed(t)
  await fill(store)
  await store.keys.change('beta', 'revoke', call())
  await store.keys.change('gamma', 'destroy', call())
  assert.deepEqual(await store.keys.survey(null, call()), {
    kind: 'survey',
    active: 1,
    revoked: 1,
    destroyed: 1,
    rows: 18,
  })
  assert.deepEqual(await store.keys.survey('beta', call()), {
    kind: 'survey',
    active: 0,
    revoked: 1,
    destroyed: 0,
    rows: 6,
  })
})

test('a replica that remembers the keys of before a rotation elsewhere carries everything over all the same', async (t) => {
  const { store, replica } = await withSealed(t)
  await fill(store)
  const warm = replica()
  await warm.getMany(everywhere, call())
  await store.keys.change('acme', 'rotate', call())
  assert.equal((await rewrap(warm)).resealed, 6)
})
