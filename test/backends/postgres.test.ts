import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type pg from 'pg'
import type { PostgresConfig } from '../../backends/postgres/config.ts'
import { openPostgresStore } from '../../backends/postgres/open.ts'
import { SecretValue } from '../../backends/secret.ts'
import { ANY, type PutOutcome, type Store } from '../../backends/store.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { openTransaction, untilBlocked, untilPast } from './blocked.ts'
import { checkTable } from './check-table.ts'
import { address, at, call, fenceOf, plain, plainSecret, secret } from './checks/check.ts'
import { deps, MAPPINGS, type Mapping, postgresConfig, secretFile } from './subjects.ts'

interface Opened {
  readonly store: Store
  readonly pool: pg.Pool
  readonly url: string
  readonly config: PostgresConfig
}

async function open(t: TestContext, mapping: Mapping, more: Partial<PostgresConfig> = {}): Promise<Opened> {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await pool.query(mapping.create)
  const config = { ...(await postgresConfig(t, mapping, url)), ...more }
  const store = openPostgresStore(config, deps('legacy'))
  t.after(() => store.close())
  return { store, pool, url, config }
}

const BARE = MAPPINGS['postgres bare text']
const FULL = MAPPINGS.postgres
const WHERE = address('aws')
const LATE: PutOutcome = { kind: 'refused', reason: 'late' }

test('a table that fits its mapping has no errors, and a collation that is not in byte order is a warning', async (t) => {
  const { pool, config } = await open(t, FULL)
  const problems = await checkTable(pool, config)
  assert.deepEqual(
    problems.map(({ level }) => level),
    ['warning'],
  )
  assert.match(problems[0]?.message ?? '', /not in byte order, so a listing sorts/)
})

test('a table in byte order with its key in order has nothing to report', async (t) => {
  const { pool, config } = await open(t, MAPPINGS['postgres json in byte order'])
  assert.deepEqual(await checkTable(pool, config), [])
})

test('a table that is not there is said, and every call is refused rather than failing', async (t) => {
  const { store, pool, config } = await open(t, { ...BARE, create: 'select 1' })
  assert.match((await checkTable(pool, config))[0]?.message ?? '', /public\.t does not exist/)
  assert.deepEqual(await store.put(WHERE, secret('a'), ANY, call()), { kind: 'refused', reason: 'rejected' })
  assert.deepEqual(await store.get(WHERE, call()), { kind: 'error', reason: 'rejected', passing: false })
  await pool.query(BARE.create)
  assert.equal((await store.put(WHERE, secret('a'), ANY, call())).kind, 'done')
})

test('every problem of a mapping is reported at once', async (t) => {
  const { pool, config } = await open(t, {
    create: `
      create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table t (integration text not null, customer numeric not null, name text collate nocase, value json, v text, owner text not null,
        unique (integration, customer, name) deferrable)`,
    columns: { version: 'v', deleted: 'gone', metadata: 'value' },
    column: 'bytea',
  })
  const messages = (await checkTable(pool, config)).map(({ level, message }) => `${level}: ${message}`)
  assert.deepEqual(messages.sort(), [
    'error: column customer (customer) is numeric; expected text or character varying or citext or character or enum or smallint or integer or bigint or uuid',
    'error: column gone (deleted) does not exist',
    'error: column name (name) has a collation under which different names are equal',
    'error: column owner is NOT NULL without a default and is not mapped: inserts would fail; give it a default, such as now() or gen_random_uuid()',
    'error: column v (version) is text; expected smallint or integer or bigint',
    'error: column value (value) is json; expected bytea',
    'error: column value is mapped more than once',
    'error: no unique index on exactly (integration, customer, name): two rows could have one name, and upserts need it. t_integration_customer_name_key is DEFERRABLE, which no upsert can use',
    'warning: column name (name) may be null: rows where it is cannot be named and are not carried over',
    "warning: name: not in byte order, so a listing sorts the customer's names",
  ])
})

test('a unique index on some rows only, or on more columns, does not count as the key', async (t) => {
  const { pool, config } = await open(t, {
    create: `create table t (integration text, customer text, name text, value text, n int);
      create unique index on t (integration, customer, name) where n > 0;
      create unique index on t (customer, integration, name, n)`,
    columns: {},
    column: 'text',
  })
  const messages = (await checkTable(pool, config)).map(({ message }) => message)
  assert.ok(messages.some((message) => message.startsWith('no unique index on exactly')))
})

test('names of tables and columns are quoted', async (t) => {
  const { url } = await freshDatabase(t)
  await testPool(t, url).query(`create schema "my app"; create table "my app"."se""cret" (
    "order" text, "a b" text, "User" text, "value;" text, primary key ("order", "a b", "User"))`)
  const config = await postgresConfig(t, { ...BARE, create: '' }, url)
  const columns = { integration: 'order', customer: 'a b', name: 'User', value: 'value;' }
  const store = openPostgresStore({ ...config, table: 'my app.se"cret', columns }, deps('legacy'))
  t.after(() => store.close())
  assert.equal((await store.put(WHERE, secret('a'), ANY, call())).kind, 'done')
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('a')))
})

test('rows that the old system wrote are read, and its own update makes a fence stale', async (t) => {
  const { store, pool } = await open(t, BARE)
  await pool.query(`insert into t values ('aws', 'acme', 'token', 'from the old system')`)
  const read = await store.get(WHERE, call())
  assert.deepEqual(plain(read), plainSecret(secret('', { value: SecretValue.ofText('from the old system') })))
  await pool.query(`update t set value = 'changed'`)
  assert.deepEqual(await store.put(WHERE, secret('x'), at(fenceOf(read)), call()), { kind: 'conflict' })
})

test('a row that the old system deleted and made again is another row to a fence', async (t) => {
  const { store, pool } = await open(t, MAPPINGS['postgres jsonb with version'])
  const fence = fenceOf(await store.put(WHERE, secret('a'), ANY, call()))
  await pool.query(`delete from t`)
  await pool.query(`insert into t values ('aws', 'acme', 'token', '"other"', null, 1)`)
  assert.deepEqual(await store.put(WHERE, secret('x'), at(fence), call()), { kind: 'conflict' })
})

const BROKEN = {
  'a null': [BARE, 'null', 'corrupt'],
  'base64 that is none': [MAPPINGS['postgres base64, deleted_at'], `'not*base64'`, 'corrupt'],
  'a ciphertext that was changed': [
    MAPPINGS['postgres with cipher, fenced'],
    `set_byte(value, 20, get_byte(value, 20) # 1)`,
    'undecryptable',
  ],
  'a ciphertext that was cut': [MAPPINGS['postgres with cipher, fenced'], `substr(value, 1, 20)`, 'undecryptable'],
} as const satisfies Record<string, readonly [Mapping, string, string]>

for (const [what, [mapping, expression, reason]] of Object.entries(BROKEN)) {
  test(`${what} is unreadable, alone and in a batch, and stops no other`, async (t) => {
    const { store, pool } = await open(t, mapping)
    await store.put(WHERE, secret('a'), ANY, call())
    await store.put(address('aws', 'other'), secret('b'), ANY, call())
    await pool.query(`update t set value = ${expression} where name = 'token'`)
    const single = await store.get(WHERE, call())
    assert.equal(single.kind === 'unreadable' && single.reason, reason)
    const many = await store.getMany([WHERE, address('aws', 'other')], call())
    assert.deepEqual(
      [WHERE, address('aws', 'other')].map((where) => many.of(where).kind),
      ['unreadable', 'found'],
    )
  })
}

test('metadata that is not a flat map of strings is kept as its JSON text, and the value is served', async (t) => {
  const { store, pool } = await open(t, FULL)
  await store.put(WHERE, secret('a'), ANY, call())
  const kept = {
    null: {},
    '{"a":1.50,"b":"c"}': { a: '1.50', b: 'c' },
    '{"a":{"z":[1, true],"b":null}}': { a: '{"b":null,"z":[1,true]}' },
    '[1, 2]': { metadata: '[1,2]' },
    '"text"': { metadata: 'text' },
  }
  for (const [meta, metadata] of Object.entries(kept)) {
    await pool.query('update t set meta = $1', [meta])
    assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('a', { metadata })), meta)
  }
})

test('the wrong key of the old system makes values undecryptable, never garbage', async (t) => {
  const { store, config } = await open(t, MAPPINGS['postgres with cipher, fenced'])
  await store.put(WHERE, secret('a'), ANY, call())
  const encoding = { ...config.encoding, key_file: await secretFile(t, randomBytes(32).toString('hex')) }
  const other = openPostgresStore({ ...config, encoding }, deps('legacy'))
  t.after(() => other.close())
  const outcome = await other.get(WHERE, call())
  assert.equal(outcome.kind === 'unreadable' && outcome.reason, 'undecryptable')
})

test('text that a varchar would cut, trailing spaces included, is refused', async (t) => {
  const { store } = await open(t, {
    create: `create table t (integration text, customer text, name varchar(10), value varchar(12), primary key (integration, customer, name))`,
    columns: {},
    column: 'text',
  })
  const tooLarge = { kind: 'refused', reason: 'too-large' }
  assert.deepEqual(await store.put(address('aws', 'x'.repeat(11)), secret('a'), ANY, call()), tooLarge)
  assert.deepEqual(await store.put(address('aws', `x${' '.repeat(12)}`), secret('a'), ANY, call()), tooLarge)
  const spaces = secret('', { value: SecretValue.ofText(`x${' '.repeat(12)}`) })
  assert.deepEqual(await store.put(WHERE, spaces, ANY, call()), tooLarge)
  assert.equal((await store.put(address('aws', '\u{1F511}'.repeat(10)), secret('a'), ANY, call())).kind, 'done')
})

test('a constraint or trigger of the old table refuses for certain, and a row it swallows is no success', async (t) => {
  const { store, pool } = await open(t, BARE)
  await pool.query(`alter table t add check (value <> '"bad"')`)
  assert.deepEqual(await store.put(WHERE, secret('bad'), ANY, call()), {
    kind: 'refused',
    reason: 'rejected',
    detail: 'a check constraint of the table refuses it (23514)',
  })
  await pool.query(`create function swallow() returns trigger language plpgsql as 'begin return null; end';
    create trigger swallow before insert on t for each row execute function swallow()`)
  assert.deepEqual(await store.put(WHERE, secret('good'), ANY, call()), { kind: 'refused', reason: 'rejected' })
})

const write = (store: Store, deadline: number, fence: string) =>
  ({
    'an unconditional put': () => store.put(WHERE, secret('late'), ANY, { deadline }),
    'a conditional put': () => store.put(WHERE, secret('late'), at(fence), { deadline }),
    'an unconditional remove': () => store.remove(WHERE, ANY, { deadline }),
    'a conditional remove': () => store.remove(WHERE, at(fence), { deadline }),
  }) as const

for (const name of Object.keys(write({} as Store, 0, '')) as (keyof ReturnType<typeof write>)[]) {
  for (const mapping of ['postgres', 'postgres bare text'] as const) {
    test(`${name} (${mapping}) that waits for a lock until its deadline has passed does not land`, async (t) => {
      const { store, pool } = await open(t, MAPPINGS[mapping])
      const fence = fenceOf(await store.put(WHERE, secret('first'), ANY, call()))
      // The row is locked, not changed: nothing makes the server judge the WHERE of the waiting statement again.
      const holder = await openTransaction(t, pool, 'select from t for update')
      const deadline = performance.now() + 200
      const outcome = write(store, deadline, fence)[name]()
      await untilBlocked(pool)
      await untilPast(pool, deadline)
      await holder.end('COMMIT')
      assert.deepEqual(await outcome, LATE)
      assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('first')))
    })
  }
}

test('a creation that waits for another one, which is then rolled back, does not land after its deadline', async (t) => {
  const { store, pool } = await open(t, BARE)
  await store.get(WHERE, call())
  const holder = await openTransaction(t, pool, `insert into t values ('aws', 'acme', 'token', 'x')`)
  const deadline = performance.now() + 200
  const outcome = store.put(WHERE, secret('late'), at('none'), { deadline })
  await untilBlocked(pool)
  await untilPast(pool, deadline)
  await holder.end('ROLLBACK')
  assert.deepEqual(await outcome, LATE)
  assert.equal((await store.get(WHERE, call())).kind, 'absent')
})

test('a put that is aborted while it waits is unknown, and its connection is used again', async (t) => {
  const { store, pool } = await open(t, BARE, { max_connections: 1 })
  await store.put(WHERE, secret('first'), ANY, call())
  const holder = await openTransaction(t, pool, 'select from t for update')
  const leaves = new AbortController()
  const outcome = store.put(WHERE, secret('second'), ANY, { ...call(), signal: leaves.signal })
  await untilBlocked(pool)
  leaves.abort()
  assert.deepEqual(await outcome, { kind: 'unknown', reason: 'timeout' })
  await holder.end('COMMIT')
  // The only connection comes back when the abandoned statement has ended, and what that did is seen.
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('second')))
})

test('a lock that is held longer than a statement may take refuses the put for certain', async (t) => {
  const { store, pool } = await open(t, BARE, { deadline: 100 })
  await store.put(WHERE, secret('first'), ANY, call())
  const holder = await openTransaction(t, pool, 'select from t for update')
  assert.deepEqual(await store.put(WHERE, secret('second'), ANY, call()), LATE)
  await holder.end('COMMIT')
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('first')))
})

test('a put whose connection is cut while it waits is unknown, and the next call has a new connection', async (t) => {
  const { store, pool } = await open(t, BARE)
  await store.put(WHERE, secret('first'), ANY, call())
  const holder = await openTransaction(t, pool, 'select from t for update')
  const outcome = store.put(WHERE, secret('second'), ANY, call())
  await untilBlocked(pool)
  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crossfade/legacy'
    and datname = current_database()`)
  assert.deepEqual(await outcome, { kind: 'unknown', reason: 'connection-lost' })
  await holder.end('COMMIT')
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('first')))
})

test('a server that is not there refuses for certain', async (t) => {
  const config = await postgresConfig(t, BARE, 'postgres://nobody@127.0.0.1:1/none')
  const store = openPostgresStore(config, deps('legacy'))
  t.after(() => store.close())
  assert.deepEqual(await store.put(WHERE, secret('a'), ANY, call()), { kind: 'refused', reason: 'unavailable' })
  assert.deepEqual(await store.get(WHERE, call()), { kind: 'error', reason: 'unavailable', passing: true })
  assert.equal((await store.check(call()))[0]?.level, 'error')
})

test('a remove keeps what the old table means by one: the row goes, or is marked and its version kept', async (t) => {
  const erased = await open(t, BARE)
  await erased.store.put(WHERE, secret('a'), ANY, call())
  await erased.store.remove(WHERE, ANY, call())
  assert.equal((await erased.pool.query('select from t')).rowCount, 0)
  const marked = await open(t, FULL)
  await marked.store.put(WHERE, secret('a'), ANY, call())
  await marked.store.remove(WHERE, ANY, call())
  assert.deepEqual((await marked.pool.query('select v, deleted from t')).rows, [{ v: '2', deleted: true }])
})
