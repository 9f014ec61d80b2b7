import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { PostgresConfig } from '../../backends/postgres/config.ts'
import { openPostgresStore } from '../../backends/postgres/open.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import type { Store } from '../../backends/store.ts'
import { migrate } from '../../migrator/migrate.ts'
import { isAddressable } from '../../proxy/http/path.ts'
import { postgresConfig, sealedConfig, deps as storeDeps } from '../backends/subjects.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { takeInventory } from './whole-stages.ts'
import { at, INTEGRATION, unwatched, withMigrator } from './with-migrator.ts'

/** A home-grown table as the old system filled it, in front of a sealed store. */
async function withTable(t: TestContext, create: string, columns: object) {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await pool.query(create)
  const base = await postgresConfig(t, { create, columns: {}, column: 'text' }, url)
  const legacy: Store = openPostgresStore(
    { ...base, columns: { ...columns, value: 'value' } } as PostgresConfig,
    storeDeps('legacy'),
  )
  const fresh = openSealedStore(await sealedConfig(t, (await freshDatabase(t)).url), storeDeps('sealed'))
  t.after(() => Promise.all([legacy.close(), fresh.close()]))
  const under = await withMigrator(t, { stores: { legacy, new: fresh }, addressable: isAddressable, page: 3 })
  const run = () =>
    migrate(under.deps, { integration: INTEGRATION, kind: 'migrate' }, { ...unwatched(), emit: () => {} })
  return { pool, under, run, fresh }
}

const LONG = randomBytes(1340).toString('hex')

/** What real tables hold: the names that a client can ask for, and those that none can. */
const NAMES = {
  good: ['token', 'prod/token', 'a b', 'ünïcode', 'x'.repeat(512), '...', '.hidden', '%2e%2e', 'c1%2Fc2'],
  bad: [
    '',
    '.',
    '..',
    'a/../b',
    '/lead',
    'trail/',
    'a//b',
    'back\\slash',
    'line\nbreak',
    'tab\t',
    'del\u007f',
    'nel\u0085',
    'x'.repeat(513),
    LONG,
  ],
} as const

test('names of an old table that no client can ask for are put aside with a reason, and the rest is copied', async (t) => {
  const { pool, under, run, fresh } = await withTable(
    t,
    'create table t (customer text not null, name text not null, value text, primary key (customer, name))',
    { integration: { constant: INTEGRATION }, customer: 'customer', name: 'name' },
  )
  for (const name of [...NAMES.good, ...NAMES.bad]) await pool.query(`insert into t values ('acme', $1, 'x')`, [name])
  for (const customer of ['', '..', 'a/b', 'c'.repeat(129)])
    await pool.query(`insert into t values ($1, 'token', 'x')`, [customer])
  const result = await run()
  assert.deepEqual([result.outcome, result.message], ['done', null])
  const rows = await under.rows()
  assert.equal(rows.length, NAMES.good.length + NAMES.bad.length + 4)
  const put = rows.filter(({ quarantine }) => quarantine !== null)
  assert.ok(put.every(({ quarantine }) => quarantine === 'not-addressable'))
  assert.equal(put.length, NAMES.bad.length + 4)
  assert.deepEqual(
    rows
      .filter(({ quarantine }) => quarantine === null)
      .map(({ name }) => name)
      .sort(),
    [...NAMES.good].sort(),
  )
  const page = await fresh.scan(INTEGRATION, { after: null, limit: 100 }, { deadline: performance.now() + 5000 })
  assert.deepEqual(page.kind === 'page' && page.entries.map(({ name }) => name).sort(), [...NAMES.good].sort())
})

test('a name that is longer than an index of the ledger takes is put aside under its beginning and a digest', async (t) => {
  const under = await withMigrator(t, { addressable: isAddressable })
  const long = ['a', 'b'].map((end) => at(`${randomBytes(5000).toString('base64')}${end}`))
  await under.seed([at('token'), ...long])
  assert.equal((await takeInventory(under.deps, INTEGRATION, unwatched())).kind, 'done')
  const rows = await under.rows()
  assert.deepEqual(rows.map(({ quarantine }) => quarantine).sort(), ['not-addressable', 'not-addressable', null])
  assert.equal(new Set(rows.map(({ name }) => name)).size, 3)
})

test('rows whose columns hold a slash are put aside, and never copied as the secret that they could be taken for', async (t) => {
  const { pool, under, run } = await withTable(
    t,
    'create table t (account integer not null, env text not null, key text not null, value text, unique (account, env, key))',
    { integration: { constant: INTEGRATION }, customer: 'account', name: ['env', 'key'] },
  )
  await pool.query(
    `insert into t values (7, 'a', 'b/c', 'right'), (7, 'a/b', 'c', 'wrong'), (7, '', 'c', 'empty'), (7, 'a', '', 'empty')`,
  )
  assert.equal((await run()).outcome, 'done')
  assert.deepEqual(
    (await under.rows()).map(({ name, quarantine }) => [name, quarantine]),
    [
      ['/c', 'not-addressable'],
      ['a/', 'not-addressable'],
      ['a/b/c', null],
      ['a\\/b/c', 'not-addressable'],
    ],
  )
  assert.deepEqual(await under.held({ integration: INTEGRATION, customer: '7', name: 'a/b/c' }), {
    legacy: 'right',
    new: 'right',
  })
})
