import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Keyring, Sealed, SealOutcome } from '../../backends/sealed/keyring.ts'
import { makeLocalKeyring } from '../../backends/sealed/local-keyring.ts'
import { migrateSealed } from '../../backends/sealed/migrate.ts'
import { makeDatabase } from '../../backends/sql/database.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { freshDatabase } from '../support/postgres.ts'
import { call } from './checks/check.ts'

async function open(t: TestContext) {
  const { url } = await freshDatabase(t)
  const database = makeDatabase({
    url,
    password: null,
    applicationName: 'crossfade/keyring',
    maxConnections: 2,
    statementTimeout: 5_000,
    clock: systemClock,
  })
  t.after(() => database.close())
  await migrateSealed(database.pool, 'sealed')
  const rootKey = createSecretKey(randomBytes(32))
  const time = { now: 0 }
  const clock: Clock = { ...systemClock, monotonic: () => time.now }
  const random = (bytes: number) => randomBytes(bytes)
  const make = (): Keyring =>
    makeLocalKeyring({ database, schema: 'sealed', rootKeys: [rootKey], clock, random, cache: 100, cacheFor: 60_000 })
  return { make, time, database }
}

const context = Buffer.from('context')
const sealOne = async (keyring: Keyring, text: string): Promise<Sealed> => {
  const [outcome] = await keyring.seal([{ customer: 'acme', plaintext: Buffer.from(text), context }], call())
  return sealedOf(outcome)
}
const sealedOf = (outcome: SealOutcome | undefined): Sealed => {
  if (outcome?.kind !== 'sealed') throw new Error(`expected sealed, not ${outcome?.kind}`)
  return outcome.sealed
}
const openOne = async (keyring: Keyring, sealed: Sealed, customer = 'acme'): Promise<string> => {
  const [outcome] = await keyring.open([{ customer, context, ...sealed }], call())
  return outcome?.kind === 'opened' ? Buffer.from(outcome.plaintext).toString() : String(outcome?.kind)
}

test('what is sealed under an old key version stays readable after a rotation, and new values use the new one', async (t) => {
  const { make } = await open(t)
  const keyring = make()
  const old = await sealOne(keyring, 'old')
  assert.deepEqual(await keyring.rotate('acme', call()), { kind: 'done', keyVersion: 2 })
  const fresh = await sealOne(keyring, 'fresh')
  assert.deepEqual([old.keyVersion, fresh.keyVersion], [1, 2])
  assert.equal(await openOne(keyring, old), 'old')
  assert.equal(await openOne(keyring, fresh), 'fresh')
})

test('another replica opens at once what a key version that it has not seen sealed', async (t) => {
  const { make } = await open(t)
  const [one, two] = [make(), make()]
  assert.equal(await openOne(two, await sealOne(one, 'first')), 'first')
  await one.rotate('acme', call())
  assert.equal(await openOne(two, await sealOne(one, 'second')), 'second')
})

test('a key that was destroyed is gone from memory after its time, and nothing can be sealed under it', async (t) => {
  const { make, time, database } = await open(t)
  const keyring = make()
  const sealed = await sealOne(keyring, 'x')
  await database.pool.query('update sealed.data_key set wrapped = null')
  time.now += 60_000
  assert.equal(await openOne(keyring, sealed), 'revoked')
  const outcomes = await keyring.seal([{ customer: 'acme', plaintext: context, context }], call())
  assert.deepEqual(outcomes, [{ kind: 'revoked' }])
})

test('a wrapped key that is copied to another customer does not unwrap there', async (t) => {
  const { make, database } = await open(t)
  const sealed = await sealOne(make(), 'x')
  await database.pool.query(`insert into sealed.data_key select 'other', key_version, wrapped from sealed.data_key`)
  assert.equal(await openOne(make(), sealed, 'other'), 'undecryptable')
})

test('another context does not open', async (t) => {
  const { make } = await open(t)
  const keyring = make()
  const sealed = await sealOne(keyring, 'x')
  const [outcome] = await keyring.open([{ customer: 'acme', ...sealed, context: Buffer.from('other') }], call())
  assert.deepEqual(outcome, { kind: 'undecryptable' })
})

test('a key whose rows were lost is not made again by a write', async (t) => {
  const { make, database } = await open(t)
  await sealOne(make(), 'x')
  await database.pool.query('delete from sealed.data_key')
  const outcomes = await make().seal([{ customer: 'acme', plaintext: context, context }], call())
  assert.deepEqual(outcomes, [{ kind: 'revoked' }])
  assert.equal((await database.pool.query('select from sealed.data_key')).rowCount, 0)
})
