import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import type pg from 'pg'
import type { SealedConfig } from '../../backends/sealed/config.ts'
import { migrateSealed } from '../../backends/sealed/migrate.ts'
import { MIGRATIONS } from '../../backends/sealed/migrations.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import { ANY, type PutOutcome, type Store } from '../../backends/store.ts'
import { isFault } from '../../core/fault.ts'
import { listed } from '../support/answers.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { openTransaction, untilBlocked, untilPast } from './blocked.ts'
import { address, at, call, fenceOf, plain, plainSecret, secret } from './checks/check.ts'
import { deps, sealedConfig } from './subjects.ts'

interface Opened {
  readonly store: Store
  readonly pool: pg.Pool
  readonly config: SealedConfig
  /** Another replica on the same database and root key. */
  readonly another: (more?: Partial<SealedConfig>) => Store
}

async function open(t: TestContext, more: object = {}): Promise<Opened> {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  const config = await sealedConfig(t, url, more)
  const another = (change: Partial<SealedConfig> = {}): Store => {
    const store = openSealedStore({ ...config, ...change }, deps('vaulted'))
    t.after(() => store.close())
    return store
  }
  return { store: another(), pool, config, another }
}

const WHERE = address('aws')
const UNDECRYPTABLE = 'undecryptable'
const reasonOf = async (store: Store, where = WHERE): Promise<string> => {
  const outcome = await store.get(where, call())
  return outcome.kind === 'unreadable' ? outcome.reason : outcome.kind
}

test('replicas that start at the same instant migrate once', async (t) => {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  const results = await Promise.all(Array.from({ length: 5 }, () => migrateSealed(pool, 'sealed')))
  assert.equal(results.filter(({ from }) => from === 0).length, 1)
  assert.ok(results.every(({ to }) => to === MIGRATIONS.length))
  const applied = await pool.query('select version from sealed.schema_version order by version')
  assert.deepEqual(
    applied.rows.map(({ version }) => version),
    MIGRATIONS.map((_, at) => at + 1),
  )
})

test('a later step is applied to what is there, and a step that fails leaves everything as it was', async (t) => {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await migrateSealed(pool, 'sealed')
  const more = [...MIGRATIONS, 'CREATE TABLE {schema}.extra ()']
  assert.deepEqual(await migrateSealed(pool, 'sealed', more), { from: MIGRATIONS.length, to: more.length })
  const failing = [...more, 'CREATE TABLE {schema}.further (); SELECT 1 / 0']
  await assert.rejects(migrateSealed(pool, 'sealed', failing), { code: '22012' })
  assert.equal((await pool.query(`select to_regclass('sealed.further') as there`)).rows[0].there, null)
  assert.deepEqual(await migrateSealed(pool, 'sealed', more), { from: more.length, to: more.length })
})

test('a schema of a newer program is refused and left alone', async (t) => {
  const { store, pool } = await open(t)
  await migrateSealed(pool, 'sealed', [...MIGRATIONS, 'CREATE TABLE {schema}.extra ()'])
  await assert.rejects(migrateSealed(pool, 'sealed'), (error) => isFault(error) && error.code === 'sealed-schema-newer')
  assert.deepEqual(await store.put(WHERE, secret('a'), ANY, call()), { kind: 'refused', reason: 'rejected' })
  assert.match((await store.check(call()))[0]?.message ?? '', /newer version of this program/)
})

test('the check changes nothing, and finds nothing wrong with a database where the schema is still to be made', async (t) => {
  const { store, pool } = await open(t)
  assert.deepEqual(await store.check(call()), [])
  assert.equal((await pool.query(`select to_regnamespace('sealed') as there`)).rows[0].there, null)
})

test('two stores in one database, each in a schema of its own, do not see each other', async (t) => {
  const { store, another } = await open(t)
  const other = another({ schema: 'other' })
  await store.put(WHERE, secret('a'), ANY, call())
  assert.equal((await other.get(WHERE, call())).kind, 'absent')
})

test('nothing of a value, a content type or metadata lies in the database in the clear', async (t) => {
  const { store, pool } = await open(t)
  const canary = { contentType: 'canary/type', metadata: { canarykey: 'canaryvalue' } }
  await store.put(WHERE, secret('canarysecret', canary), ANY, call())
  const dump = await pool.query(`select v::text as row, encode(ciphertext, 'escape') as bytes from sealed.version v
    union all select s::text, '' from sealed.secret s union all select k::text, encode(wrapped, 'escape') from sealed.data_key k`)
  assert.equal(dump.rowCount, 3)
  assert.ok(!JSON.stringify(dump.rows).includes('canary'))
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('canarysecret', canary)))
})

const TAMPERED = {
  'a changed ciphertext': `update sealed.version set ciphertext = set_byte(ciphertext, 7, get_byte(ciphertext, 7) # 1)`,
  'a changed tag': `update sealed.version set ciphertext = set_byte(ciphertext, length(ciphertext) - 1, get_byte(ciphertext, length(ciphertext) - 1) # 1)`,
  'a cut ciphertext': `update sealed.version set ciphertext = substr(ciphertext, 1, 3)`,
  'a changed nonce': `update sealed.version set nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1)`,
  'a nonce that is none': `update sealed.version set nonce = ''`,
  'another key version': `update sealed.version set key_version = 2`,
  'a row relabelled as a later version': `update sealed.version set version = version + 1`,
  'a lost key': `delete from sealed.data_key`,
  'a changed key': `update sealed.data_key set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)`,
}

for (const [what, sql] of Object.entries(TAMPERED)) {
  test(`${what} makes a secret undecryptable, never a failure and never another value`, async (t) => {
    const { store, pool, another } = await open(t)
    await store.put(WHERE, secret('a'), ANY, call())
    await pool.query(sql)
    assert.equal(await reasonOf(another()), UNDECRYPTABLE)
    const many = await another().getMany([WHERE, address('aws', 'none')], call())
    assert.deepEqual([many.of(WHERE).kind, many.of(address('aws', 'none')).kind], ['unreadable', 'absent'])
  })
}

for (const part of ['integration', 'customer', 'name'] as const) {
  test(`a row that is moved to another ${part} does not open there`, async (t) => {
    const { store, pool } = await open(t)
    const there = { ...WHERE, [part]: 'elsewhere' }
    await store.put(WHERE, secret('mine'), ANY, call())
    await store.put(there, secret('theirs'), ANY, call())
    await pool.query(`delete from sealed.version where ${part} = 'elsewhere'`)
    await pool.query(`update sealed.version set ${part} = 'elsewhere'`)
    assert.equal(await reasonOf(store, there), UNDECRYPTABLE)
  })
}

test('so many versions are kept as configured, each with its own id, and a delete leaves only its mark', async (t) => {
  const { store, pool } = await open(t, { keep_versions: 3 })
  const ids: (string | null)[] = []
  for (const word of ['a', 'b', 'c', 'd', 'e']) {
    const outcome = await store.put(WHERE, secret(word), ANY, call())
    ids.push(outcome.kind === 'done' ? outcome.version : null)
  }
  const kept = await pool.query('select id, version from sealed.version order by version')
  assert.deepEqual(
    kept.rows.map(({ id }) => id),
    ids.slice(2),
  )
  assert.deepEqual(
    kept.rows.map(({ version }) => version),
    ['3', '4', '5'],
  )
  await store.remove(WHERE, ANY, call())
  const left = await pool.query('select version, ciphertext from sealed.version')
  assert.deepEqual(left.rows, [{ version: '6', ciphertext: null }])
})

test('replicas that make a customer’s first key at the same instant end with the same one', async (t) => {
  const { pool, another } = await open(t)
  const replicas = Array.from({ length: 4 }, () => another())
  await Promise.all(replicas.map((replica, n) => replica.put(address('aws', `name-${n}`), secret(`${n}`), ANY, call())))
  assert.equal((await pool.query('select from sealed.data_key')).rowCount, 1)
  const reader = another()
  for (const n of replicas.keys()) {
    assert.deepEqual(plain(await reader.get(address('aws', `name-${n}`), call())), plainSecret(secret(`${n}`)))
  }
})

test('each customer has a key of its own', async (t) => {
  const { store, pool } = await open(t)
  const customers = ['a', 'b', 'c']
  const puts = customers.map((customer) => ({
    address: address('aws', 'token', customer),
    secret: secret(customer),
    condition: ANY,
  }))
  await store.putMany(puts, call())
  const keys = await pool.query('select customer from sealed.data_key order by customer')
  assert.deepEqual(
    keys.rows.map(({ customer }) => customer),
    customers,
  )
})

test('the wrong root key reads nothing, writes nothing, and is named by the check', async (t) => {
  const { store, config, another } = await open(t)
  await store.put(WHERE, secret('a'), ANY, call())
  assert.deepEqual(await store.check(call()), [])
  assert.ok(config.keyring.kind === 'local')
  await writeFile(config.keyring.root_key_file, randomBytes(32))
  const wrong = another()
  assert.equal(await reasonOf(wrong), UNDECRYPTABLE)
  assert.deepEqual(await wrong.put(WHERE, secret('b'), ANY, call()), { kind: 'refused', reason: 'denied' })
  assert.match((await wrong.check(call()))[0]?.message ?? '', /root key is not the one/)
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('a')))
})

test('more customers than the memory holds are served all the same', async (t) => {
  const { config, another } = await open(t)
  const small = another({ keyring: { ...config.keyring, cache: 2 } })
  const puts = Array.from({ length: 6 }, (_, n) => ({
    address: address('aws', 'token', `customer-${n}`),
    secret: secret(`${n}`),
    condition: ANY,
  }))
  assert.ok(listed(puts, await small.putMany(puts, call())).every(({ kind }) => kind === 'done'))
  const asked = puts.map((put) => put.address)
  assert.deepEqual(
    listed(asked, await small.getMany(asked, call())).map(plain),
    puts.map((put) => plainSecret(put.secret)),
  )
})

for (const kind of ['put', 'remove'] as const) {
  test(`a ${kind} that waits for a lock until its deadline has passed does not land`, async (t) => {
    const { store, pool } = await open(t)
    const fence = fenceOf(await store.put(WHERE, secret('first'), ANY, call()))
    const holder = await openTransaction(t, pool, 'select from sealed.secret for update')
    const limited = { deadline: performance.now() + 200 }
    const outcome: Promise<PutOutcome> =
      kind === 'put' ? store.put(WHERE, secret('late'), at(fence), limited) : store.remove(WHERE, at(fence), limited)
    await untilBlocked(pool)
    await untilPast(pool, limited.deadline)
    await holder.end('COMMIT')
    assert.deepEqual(await outcome, { kind: 'refused', reason: 'late' })
    assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('first')))
    assert.equal((await pool.query('select from sealed.version')).rowCount, 1)
  })
}
