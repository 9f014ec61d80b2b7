import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import type { StoreConfig } from '../../backends/config.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { openStore } from '../../backends/open.ts'
import { makeCodec } from '../../backends/postgres/codec.ts'
import { openPostgresStore } from '../../backends/postgres/open.ts'
import { makePostgresStore } from '../../backends/postgres/postgres.ts'
import type { Statement } from '../../backends/sql/connection.ts'
import { type Database, makeDatabase, STORE_MS } from '../../backends/sql/database.ts'
import { connectFailure, failureOf } from '../../backends/sql/sqlstate.ts'
import { ANY } from '../../backends/store.ts'
import { systemClock } from '../../core/clock.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { openTransaction, untilBlocked } from './blocked.ts'
import { address, call, plain, plainSecret, secret } from './checks/check.ts'
import { deps, MAPPINGS, postgresConfig } from './subjects.ts'

const database = (t: TestContext, url: string): Database => {
  const opened = makeDatabase({
    url,
    password: null,
    applicationName: 'crossfade/sql',
    maxConnections: 2,
    statementTimeout: 2_000,
    clock: systemClock,
  })
  t.after(() => opened.close())
  return opened
}

const statement = (name: string, text: string): Statement => ({ name, text })

test('a deadline reaches the server in the server’s time, a little early and never late', async (t) => {
  const { url } = await freshDatabase(t)
  const db = database(t, url)
  const left = statement('left', `SELECT $1::float8 - ${STORE_MS} AS left_ms, ${STORE_MS} AS store_ms`)
  for (let n = 0; n < 5; n += 1) {
    const sent = performance.now()
    const answer = await db.askBounded<{ left_ms: number; store_ms: number }>(left, [], { deadline: sent + 1_000 })
    assert.equal(answer.kind, 'rows')
    if (answer.kind !== 'rows') return
    const leftMs = answer.rows[0]?.left_ms as number
    assert.ok(leftMs <= 1_000, `${leftMs}`)
    // Early by the time that the reading's answer took, which on this machine is far below this.
    assert.ok(leftMs > 500, `${leftMs}`)
  }
})

test('the isolation level is the one that the statements need, whatever the database says', async (t) => {
  const { url } = await freshDatabase(t)
  await testPool(t, url).query(
    `do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', current_database()); end $$`,
  )
  const answer = await database(t, url).ask(statement('level', 'SHOW transaction_isolation'), [], call())
  assert.deepEqual(answer, { kind: 'rows', rows: [{ transaction_isolation: 'read committed' }] })
})

test('the connections of a store are counted: those that are open, those that nothing uses, and who waits for one', async (t) => {
  const { url } = await freshDatabase(t)
  const registry = new Registry()
  const config: StoreConfig = { ...(await postgresConfig(t, MAPPINGS.postgres, url)), max_connections: 2 }
  const store = openStore(config, { ...deps('legacy'), metrics: makeBackendsMetrics(registry) })
  t.after(() => store.close())
  const counted = async () => {
    const { values } = (await registry.getSingleMetric('crossfade_store_connections')?.get()) ?? { values: [] }
    return Object.fromEntries(values.map(({ labels, value }) => [`${labels['store']} ${labels['state']}`, value]))
  }
  assert.deepEqual(await counted(), { 'legacy open': 0, 'legacy idle': 0, 'legacy waiting': 0 })
  const pool = testPool(t, url)
  await pool.query(MAPPINGS.postgres.create)
  const held = await openTransaction(t, pool, 'lock table t in access exclusive mode')
  const puts = ['a', 'b', 'c'].map((name) => store.put(address('aws', name), secret(name), ANY, call()))
  await untilBlocked(pool)
  assert.deepEqual(await counted(), { 'legacy open': 2, 'legacy idle': 0, 'legacy waiting': 1 })
  await held.end('COMMIT')
  await Promise.all(puts)
  assert.deepEqual(await counted(), { 'legacy open': 2, 'legacy idle': 2, 'legacy waiting': 0 })
})

test('reads of the same instant are one statement, and one alone is the plain one', async (t) => {
  const { url } = await freshDatabase(t)
  await testPool(t, url).query(MAPPINGS.postgres.create)
  const config = await postgresConfig(t, MAPPINGS.postgres, url)
  const real = database(t, url)
  const asked: string[] = []
  const counting: Database = {
    ...real,
    ask: (sent, values, limits) => {
      asked.push(sent.name)
      return real.ask(sent, values, limits)
    },
  }
  const store = makePostgresStore('legacy', config, {
    database: counting,
    codec: makeCodec(config.encoding, null, deps('').random),
    clock: systemClock,
  })
  const names = ['a', 'b', 'c', 'd']
  for (const name of names) await store.put(address('aws', name), secret(name), ANY, call())
  asked.length = 0
  const outcomes = await Promise.all(names.map((name) => store.get(address('aws', name), call())))
  assert.deepEqual(
    outcomes.map(plain),
    names.map((name) => plainSecret(secret(name))),
  )
  assert.deepEqual(asked, ['crossfade_get_many'])
  await store.get(address('aws', 'a'), call())
  assert.deepEqual(asked, ['crossfade_get_many', 'crossfade_get'])
})

test('one caller of a shared read that leaves takes nobody with it', async (t) => {
  const { url } = await freshDatabase(t)
  await testPool(t, url).query(MAPPINGS.postgres.create)
  const store = openPostgresStore(await postgresConfig(t, MAPPINGS.postgres, url), deps('legacy'))
  t.after(() => store.close())
  await store.put(address('aws'), secret('a'), ANY, call())
  const leaves = new AbortController()
  const left = store.get(address('aws'), { ...call(), signal: leaves.signal })
  const stayed = store.get(address('aws'), call())
  leaves.abort()
  assert.equal((await left).kind, 'error')
  assert.equal((await stayed).kind, 'found')
})

test('a scan by keyset follows the index where the table is in byte order: no page sorts', async (t) => {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await pool.query(MAPPINGS['postgres json in byte order'].create)
  await pool.query(
    `insert into t select 'aws', 'c' || n % 100, 'n' || n, '1' from generate_series(1, 5000) n; analyze t`,
  )
  const plan = await pool.query(`explain select customer, name from t where integration = 'aws'::text
    and (customer, name) > ('c5'::text, 'n5'::text) order by customer, name limit 101`)
  const text = JSON.stringify(plan.rows)
  assert.match(text, /Index (Only )?Scan/)
  assert.doesNotMatch(text, /Sort/)
})

const STATES = {
  '23505': ['rejected', true],
  '22001': ['too-large', true],
  '22012': ['late', true],
  '42501': ['denied', true],
  '57014': ['late', true],
  '55P03': ['late', true],
  '53300': ['unavailable', true],
  '57P03': ['unavailable', true],
  '40001': ['unavailable', true],
  '40003': ['connection-lost', false],
  '57P01': ['connection-lost', false],
  '08006': ['connection-lost', false],
  XX000: ['protocol', false],
  ZZ999: ['protocol', false],
  ECONNRESET: ['connection-lost', false],
} as const

for (const [code, [reason, certain]] of Object.entries(STATES)) {
  test(`${code} of a statement that was sent is ${certain ? 'certain' : 'not certain'}: ${reason}`, () => {
    const failure = failureOf(Object.assign(new Error('canary'), { code }))
    assert.deepEqual([failure.reason, failure.certain], [reason, certain])
    assert.ok(!JSON.stringify(failure).includes('canary'))
  })
}

test('whatever fails before a statement is sent is certain', () => {
  for (const code of ['ECONNREFUSED', 'ENOTFOUND', '57P01', '08006', undefined]) {
    assert.deepEqual(connectFailure({ code }), { certain: true, reason: 'unavailable', passing: true })
  }
  assert.equal(connectFailure({ code: '28P01' }).reason, 'denied')
})
