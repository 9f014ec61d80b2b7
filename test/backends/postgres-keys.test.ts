import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { PostgresConfig } from '../../backends/postgres/config.ts'
import { join, split } from '../../backends/postgres/key.ts'
import { openPostgresStore } from '../../backends/postgres/open.ts'
import type { Address } from '../../backends/secret.ts'
import { ANY, type ScanEntry, type ScanPage, type Store } from '../../backends/store.ts'
import { isAddressable } from '../../proxy/http/path.ts'
import { listed } from '../support/answers.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { checkTable } from './check-table.ts'
import { address, at, call, fenceOf, names, plain, plainSecret, secret } from './checks/check.ts'
import { deps, postgresConfig } from './subjects.ts'

const UUID = '0b5b9d3e-6a3e-4c57-9d5c-0f4f3c1a2b3c'

/** Tables whose key is not three columns of text. */
const TABLES = {
  'a name over three columns, integer customers, one integration': {
    create: `create table t (id bigint generated always as identity primary key, account_id integer not null, env text not null,
      service text not null, key text not null, value text, created_by text not null default current_user, unique (account_id, env, service, key))`,
    columns: { integration: { constant: 'aws' }, customer: 'account_id', name: ['env', 'service', 'key'] },
    customers: ['7', '10', '-3'],
    names: ['prod/api/token', 'prod/api/deep/er', 'prod/api!/token', 'dev/web/key'],
    foreign: { customer: ['acme', '007', '2147483648', '1.0', ' 7', ''], name: ['token', 'prod/api'] },
  },
  'uuid customers, a name over two columns': {
    create: `create table t (provider varchar(40) not null, tenant uuid not null, section text not null, item varchar(20) not null,
      value text not null, primary key (provider, tenant, section, item))`,
    columns: { integration: 'provider', customer: 'tenant', name: ['section', 'item'] },
    customers: [UUID, '00000000-0000-4000-8000-000000000001'],
    names: ['a/b', 'a/b/c', 'z!/y', 'z/y'],
    foreign: { customer: ['acme', UUID.toUpperCase(), UUID.replaceAll('-', '')], name: ['token'] },
  },
  'bigint customers, numbered names': {
    create: `create table t (integration text not null, customer bigint not null, name smallint not null, value text, primary key (integration, customer, name))`,
    columns: { integration: 'integration', customer: 'customer', name: 'name' },
    customers: ['9007199254740993', '1'],
    names: ['1', '2', '10', '-1'],
    foreign: { customer: ['9223372036854775808'], name: ['32768', '01', 'x'] },
  },
} as const satisfies Record<string, object>
type Table = (typeof TABLES)[keyof typeof TABLES]

async function open(t: TestContext, { create, columns }: { readonly create: string; readonly columns: object }) {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await pool.query(create)
  const base = await postgresConfig(t, { create, columns: {}, column: 'text' }, url)
  const config = { ...base, columns: { ...columns, value: 'value' } } as PostgresConfig
  const store = openPostgresStore(config, deps('legacy'))
  t.after(() => store.close())
  return { store, pool, config }
}

async function scanAll(store: Store, page: Omit<ScanPage, 'after'>): Promise<ScanEntry[]> {
  const entries: ScanEntry[] = []
  let after: ScanPage['after'] = null
  do {
    const outcome = await store.scan('aws', { ...page, after }, call())
    if (outcome.kind !== 'page') throw new Error(outcome.reason)
    entries.push(...outcome.entries)
    after = outcome.next
  } while (after !== null)
  return entries
}

const places = (table: Table): Address[] =>
  table.customers.flatMap((customer) => table.names.map((name) => ({ integration: 'aws', customer, name })))
const sorted = (entries: readonly { readonly customer: string; readonly name: string }[]) =>
  entries.map(({ customer, name }) => `${customer} ${name}`).sort()

for (const [what, table] of Object.entries(TABLES)) {
  test(`${what}: secrets are put, read, removed, batched and listed in pages of every size`, async (t) => {
    const { store, pool, config } = await open(t, table)
    assert.deepEqual(
      (await checkTable(pool, config)).filter(({ level }) => level === 'error'),
      [],
    )
    const all = places(table)
    const puts = all.map((where) => ({ address: where, secret: secret(where.name), condition: ANY }))
    assert.ok(listed(puts, await store.putMany(puts, call())).every(({ kind }) => kind === 'done'))
    for (const where of all) assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret(where.name)))
    const whole = await scanAll(store, { limit: 100 })
    assert.deepEqual(sorted(whole), sorted(all))
    for (const limit of [1, 2, 5]) assert.deepEqual(await scanAll(store, { limit }), whole)
    for (const customer of table.customers) {
      const inBytes = [...table.names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      assert.deepEqual(
        (await scanAll(store, { limit: 2, customer })).map(({ name }) => name),
        inBytes,
      )
    }
    const [where] = all as [Address]
    const fence = fenceOf(await store.get(where, call()))
    assert.equal((await store.put(where, secret('second'), at(fence), call())).kind, 'done')
    assert.deepEqual(await store.put(where, secret('third'), at(fence), call()), { kind: 'conflict' })
    assert.equal((await store.remove(where, ANY, call())).kind, 'done')
    assert.equal((await store.get(where, call())).kind, 'absent')
    assert.equal((await pool.query('select from t')).rowCount, all.length - 1)
  })

  test(`${what}: an address that no row can have is absent, refused to a put, and no failure to a batch`, async (t) => {
    const { store } = await open(t, table)
    const [here] = places(table) as [Address]
    await store.put(here, secret('a'), ANY, call())
    const foreign = [
      ...table.foreign.customer.map((customer) => ({ ...here, customer })),
      ...table.foreign.name.map((name) => ({ ...here, name })),
    ]
    for (const where of foreign) {
      assert.equal(store.names?.(where), false, JSON.stringify(where))
      assert.equal((await store.get(where, call())).kind, 'absent')
      assert.deepEqual(await store.put(where, secret('x'), ANY, call()), { kind: 'refused', reason: 'unrepresentable' })
      assert.equal((await store.remove(where, ANY, call())).kind, 'done')
    }
    const read = await store.getMany([...foreign, here], call())
    assert.deepEqual(plain(read.of(here)), plainSecret(secret('a')))
    assert.deepEqual(new Set(foreign.map((where) => read.of(where).kind)), new Set(['absent']))
    assert.equal(store.names?.(here), true)
    assert.deepEqual(sorted(await scanAll(store, { limit: 10 })), sorted([here]))
  })
}

test('a table of one integration holds nothing of another', async (t) => {
  const { store } = await open(t, TABLES['a name over three columns, integer customers, one integration'])
  const other = { integration: 'github', customer: '7', name: 'prod/api/token' }
  assert.deepEqual(await store.put(other, secret('x'), ANY, call()), { kind: 'refused', reason: 'unrepresentable' })
  assert.equal((await store.get(other, call())).kind, 'absent')
  assert.deepEqual(await store.scan('github', { after: null, limit: 10 }, call()), {
    kind: 'page',
    entries: [],
    next: null,
  })
})

test('a slash within a column but the last gives the row a name of its own, which the edge lets nobody ask for', async (t) => {
  const { store, pool } = await open(t, TABLES['uuid customers, a name over two columns'])
  await pool.query(
    `insert into t values ('aws', $1, 'a', 'b/c', 'one'), ('aws', $1, 'a/b', 'c', 'two'), ('aws', $1, 'a\\b', 'c', 'three')`,
    [UUID],
  )
  const entries = await scanAll(store, { limit: 1 })
  assert.deepEqual(entries.map(({ name }) => name).sort(), ['a/b/c', 'a\\/b/c', 'a\\\\b/c'])
  const addressable = entries.filter(({ customer, name }) => isAddressable({ integration: 'aws', customer, name }))
  assert.deepEqual(
    addressable.map(({ name }) => name),
    ['a/b/c'],
  )
  for (const { customer, name } of entries)
    assert.equal((await store.get({ integration: 'aws', customer, name }, call())).kind, 'found')
})

test('no two rows have one name, and every name leads back to its row', () => {
  const segments = fc.array(fc.oneof(names, fc.constantFrom('/', '\\', '\\/', '', 'a\\\\', '/a\\/')), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(segments, (given) => {
      assert.deepEqual(split(join(given), given.length), given)
    }),
  )
  fc.assert(
    fc.property(fc.oneof(names, fc.stringMatching(/^[\\/ab]{0,8}$/)), fc.integer({ min: 1, max: 4 }), (name, width) => {
      const found = split(name, width)
      // What is no form that `join` writes, such as a lone backslash, has no row.
      if (found !== null) assert.equal(join(found), name)
    }),
  )
})

test('a row with a null in its key is said to be left out, and is', async (t) => {
  const { store, pool, config } = await open(t, {
    create: `create table t (integration text, customer text, name text, value text, unique (integration, customer, name))`,
    columns: TABLES['bigint customers, numbered names'].columns,
  })
  await pool.query(`insert into t values ('aws', 'acme', null, 'x'), ('aws', 'acme', 'token', 'y')`)
  assert.equal((await checkTable(pool, config)).filter(({ message }) => message.includes('may be null')).length, 3)
  assert.deepEqual(await scanAll(store, { limit: 10 }), [{ customer: 'acme', name: 'token', version: null }])
  assert.equal((await store.get(address('aws'), call())).kind, 'found')
})

const ODD = {
  'a view': [
    `create table r (integration text, customer text, name text, value text); create view t as select * from r`,
    'is a view; expected a table',
  ],
  'an index on an expression and the key': [
    `create table t (integration text, customer text, name text, value text, unique (name, customer, integration)); create index on t (lower(name), integration, customer, name)`,
    'no index begins with (integration, customer, name)',
  ],
  'an index in another collation': [
    `create table t (integration text, customer text, name text, value text, unique (name, customer, integration)); create index on t (integration, customer collate "C", name)`,
    'no index begins with (integration, customer, name)',
  ],
} as const satisfies Record<string, readonly [string, string]>

for (const [what, [create, message]] of Object.entries(ODD)) {
  test(`the check sees through ${what}`, async (t) => {
    const { pool, config } = await open(t, {
      create,
      columns: TABLES['bigint customers, numbered names'].columns,
    })
    const messages = (await checkTable(pool, config)).map((problem) => problem.message)
    assert.ok(
      messages.some((text) => text.includes(message)),
      messages.join('\n'),
    )
  })
}

const PARTITIONED = `create table t (integration text not null, customer text not null, name text not null, value text, v bigint, gone boolean,
  primary key (integration, customer, name)) partition by hash (customer);
  create table t0 partition of t for values with (modulus 2, remainder 0); create table t1 partition of t for values with (modulus 2, remainder 1)`

test('a partitioned table serves if it has a version to compare, and is refused by the check if it has none', async (t) => {
  const key = TABLES['bigint customers, numbered names'].columns
  const { store, pool, config } = await open(t, {
    create: PARTITIONED,
    columns: { ...key, version: 'v', deleted: 'gone' },
  })
  for (const customer of ['a', 'b', 'c']) {
    const where = address('aws', 'token', customer)
    const fence = fenceOf(await store.put(where, secret('1'), ANY, call()))
    assert.equal((await store.put(where, secret('2'), at(fence), call())).kind, 'done')
    assert.deepEqual(await store.put(where, secret('3'), at(fence), call()), { kind: 'conflict' })
    assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('2')))
  }
  assert.deepEqual(
    (await checkTable(pool, config)).filter(({ level }) => level === 'error'),
    [],
  )
  const { version: _version, deleted: _deleted, ...bare } = config.columns
  const [problem] = await checkTable(pool, { ...config, columns: bare })
  assert.match(problem?.message ?? '', /is partitioned: conditional writes need columns for version and deleted/)
})
