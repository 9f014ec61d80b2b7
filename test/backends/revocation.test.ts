import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY } from '../../backends/store.ts'
import { listed } from '../support/answers.ts'
import { openTransaction, untilBlocked } from './blocked.ts'
import { address, at, call, fenceOf, plain, plainSecret, secret } from './checks/check.ts'
import { withSealed } from './with-sealed.ts'

const WHERE = address('aws')
const OTHER = address('aws', 'token', 'other')
const REFUSED_READ = { kind: 'error', reason: 'revoked', passing: false }
const REFUSED_WRITE = { kind: 'refused', reason: 'revoked' }

for (const change of ['revoke', 'destroy'] as const) {
  test(`after ${change} every replica refuses reads and writes at once, whatever keys are in its memory`, async (t) => {
    const { store, replica, pool } = await withSealed(t)
    const warm = replica()
    const fence = fenceOf(await warm.put(WHERE, secret('a'), ANY, call()))
    await warm.put(OTHER, secret('b'), ANY, call())
    assert.equal((await warm.get(WHERE, call())).kind, 'found')
    assert.equal((await store.keys.change('acme', change, call())).kind, 'done')
    assert.deepEqual(await warm.get(WHERE, call()), REFUSED_READ)
    assert.deepEqual(await warm.put(WHERE, secret('c'), ANY, call()), REFUSED_WRITE)
    assert.deepEqual(await warm.put(WHERE, secret('c'), at(fence), call()), REFUSED_WRITE)
    assert.deepEqual(await warm.put(address('aws', 'new'), secret('c'), ANY, call()), REFUSED_WRITE)
    // Nobody else is touched, alone or in the same batch.
    const read = await warm.getMany([WHERE, OTHER], call())
    assert.deepEqual(listed([WHERE, OTHER], read).map(plain), [REFUSED_READ, plainSecret(secret('b'))])
    const puts = [WHERE, OTHER].map((where) => ({ address: where, secret: secret('d'), condition: ANY }))
    assert.deepEqual(
      listed(puts, await warm.putMany(puts, call())).map(({ kind }) => kind),
      ['refused', 'done'],
    )
    // No key was made in place of the one that is gone.
    const keys = await pool.query(
      `select key_version, wrapped is null as gone from sealed.data_key where customer = 'acme'`,
    )
    assert.deepEqual(keys.rows, [{ key_version: 1, gone: change === 'destroy' }])
  })
}

test('a key that was revoked can be restored, and everything is as it was', async (t) => {
  const { store, replica } = await withSealed(t)
  const put = await store.put(WHERE, secret('a'), ANY, call())
  await store.keys.change('acme', 'revoke', call())
  assert.deepEqual(await store.keys.change('acme', 'revoke', call()), { kind: 'done', keyVersion: 1 })
  assert.deepEqual(await store.keys.change('acme', 'rotate', call()), { kind: 'refused', why: 'revoked' })
  assert.deepEqual(await replica().keys.change('acme', 'restore', call()), { kind: 'done', keyVersion: 1 })
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('a')))
  assert.equal((await store.put(WHERE, secret('b'), at(fenceOf(put)), call())).kind, 'done')
})

test('a key that was destroyed cannot be restored, rotated or revoked, and its bytes are gone from the database', async (t) => {
  const { store, pool } = await withSealed(t)
  await store.put(WHERE, secret('a'), ANY, call())
  await store.keys.change('acme', 'rotate', call())
  assert.equal((await store.keys.change('acme', 'destroy', call())).kind, 'done')
  for (const change of ['restore', 'rotate', 'revoke'] as const) {
    assert.deepEqual(await store.keys.change('acme', change, call()), { kind: 'refused', why: 'destroyed' }, change)
  }
  assert.equal((await pool.query('select from sealed.data_key where wrapped is not null')).rowCount, 0)
  assert.deepEqual(await store.get(WHERE, call()), REFUSED_READ)
})

test('a secret of a revoked customer can be removed: that needs no key', async (t) => {
  const { store } = await withSealed(t)
  await store.put(WHERE, secret('a'), ANY, call())
  await store.keys.change('acme', 'revoke', call())
  assert.equal((await store.remove(WHERE, ANY, call())).kind, 'done')
  assert.equal((await store.get(WHERE, call())).kind, 'absent')
})

test('a customer without a key has none to change, and none is made', async (t) => {
  const { store, pool } = await withSealed(t)
  for (const change of ['rotate', 'revoke', 'restore', 'destroy'] as const) {
    assert.deepEqual(await store.keys.change('nobody', change, call()), { kind: 'refused', why: 'no-key' }, change)
  }
  assert.equal((await pool.query('select from sealed.data_key')).rowCount, 0)
})

test('a destruction that waits for a rotation destroys the version that it makes, too', async (t) => {
  const { store, pool } = await withSealed(t)
  await store.put(WHERE, secret('a'), ANY, call())
  // The rotation of another program: it holds the customer's row, as the statement does, and has added a version.
  const holder = await openTransaction(
    t,
    pool,
    `select from sealed.customer where customer = 'acme' for share;
     insert into sealed.data_key values ('acme', 2, '\\x00')`,
  )
  const destroyed = store.keys.change('acme', 'destroy', call())
  await untilBlocked(pool)
  await holder.end('COMMIT')
  assert.equal((await destroyed).kind, 'done')
  assert.equal((await pool.query('select from sealed.data_key where wrapped is not null')).rowCount, 0)
})

test('a rotation that waits for a revocation adds no version', async (t) => {
  const { store, pool } = await withSealed(t)
  await store.put(WHERE, secret('a'), ANY, call())
  const holder = await openTransaction(t, pool, `update sealed.customer set state = 'revoked' where customer = 'acme'`)
  const rotated = store.keys.change('acme', 'rotate', call())
  await untilBlocked(pool)
  await holder.end('COMMIT')
  assert.deepEqual(await rotated, { kind: 'refused', why: 'revoked' })
  assert.equal((await pool.query('select from sealed.data_key')).rowCount, 1)
})

test('the keys of a store from before there were revocations can be revoked', async (t) => {
  const { store, pool, replica } = await withSealed(t)
  await store.put(WHERE, secret('a'), ANY, call())
  await pool.query('drop table sealed.customer; delete from sealed.schema_version where version = 2')
  const later = replica()
  assert.deepEqual(plain(await later.get(WHERE, call())), plainSecret(secret('a')))
  assert.equal((await later.keys.change('acme', 'revoke', call())).kind, 'done')
  assert.deepEqual(await later.get(WHERE, call()), REFUSED_READ)
})
