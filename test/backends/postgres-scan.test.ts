import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PostgresConfig } from '../../backends/postgres/config.ts'
import { makeKey } from '../../backends/postgres/key.ts'
import { type ScanStatements, scanStatements } from '../../backends/postgres/scan-statements.ts'
import { readStatements } from '../../backends/postgres/statements.ts'
import { DESCRIBE, type DescribeRow, factsOf } from '../../backends/postgres/table.ts'
import type { Statement } from '../../backends/sql/connection.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { postgresConfig } from './subjects.ts'

/** Real tables, and what is asked of each: lead (an integration, if there is a column), a customer, a place. */
const TABLES = {
  'the default collation of the database': {
    create: `create table t (integration text not null, customer text not null, name text not null, value text, deleted boolean, primary key (integration, customer, name));
      insert into t select 'aws', 'c' || n % 500, 'n' || n, 'x' from generate_series(1, 20000) n`,
    columns: { integration: 'integration', customer: 'customer', name: 'name', deleted: 'deleted' },
    lead: ['aws'],
    place: ['c77', 'n577'],
  },
  'byte order': {
    create: `create table t (integration text collate "C" not null, customer text collate "C" not null, name text collate "C" not null, value text, primary key (integration, customer, name));
      insert into t select 'aws', 'c' || n % 500, 'n' || n, 'x' from generate_series(1, 20000) n`,
    columns: { integration: 'integration', customer: 'customer', name: 'name' },
    lead: ['aws'],
    place: ['c77', 'n577'],
  },
  'a composite key': {
    create: `create table t (account integer not null, env text not null, key text not null, value text, unique (account, env, key));
      insert into t select n % 500, 'e' || n % 3, 'n' || n, 'x' from generate_series(1, 20000) n`,
    columns: { integration: { constant: 'aws' }, customer: 'account', name: ['env', 'key'] },
    lead: [],
    place: ['77', 'e1', 'n577'],
  },
} as const satisfies Record<string, object>
type Table = (typeof TABLES)[keyof typeof TABLES]

async function open(t: TestContext, { create, columns }: Table) {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await pool.query(`${create}; analyze t`)
  const base = await postgresConfig(t, { create, columns: {}, column: 'text' }, url)
  const config = { ...base, columns: { ...columns, value: 'value' } } as PostgresConfig
  const facts = factsOf((await pool.query<DescribeRow>(DESCRIBE.text, ['public.t'])).rows[0])
  assert.ok(facts)
  const mapping = { config, facts, key: makeKey(config, facts), fenced: false }
  /** The plan that is made once and kept, as for a statement that is prepared by name. */
  const plan = async (statement: Statement, values: readonly unknown[]): Promise<string> => {
    const list = values.map((value) => `'${String(value)}'`).join(', ')
    const client = await pool.connect()
    try {
      await client.query(`set plan_cache_mode = force_generic_plan; prepare p as ${statement.text}`)
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (costs off) execute p(${list})`)
      await client.query('deallocate p')
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    } finally {
      client.release()
    }
  }
  return { mapping, plan }
}

for (const [what, table] of Object.entries(TABLES)) {
  test(`a page of a whole integration is read from the index and not sorted: ${what}`, async (t) => {
    const { mapping, plan } = await open(t, table)
    const scans = scanStatements(mapping)
    const asked = {
      first: [...table.lead, 100],
      next: [...table.lead, ...table.place, 100],
    } as const satisfies Partial<Record<keyof ScanStatements, readonly unknown[]>>
    for (const [name, values] of Object.entries(asked)) {
      const shown = await plan(scans[name as keyof typeof asked], values)
      assert.match(shown, /Index (?:Only )?Scan using t_\w+ on t/, `${name}\n${shown}`)
      assert.doesNotMatch(shown, /Sort|Seq Scan|Bitmap/, `${name}\n${shown}`)
    }
  })

  test(`a page of one customer reads that customer's rows alone: ${what}`, async (t) => {
    const { mapping, plan } = await open(t, table)
    const scans = scanStatements(mapping)
    const [customer] = table.place
    for (const [statement, values] of [
      [scans.customerFirst, [...table.lead, customer, 100]],
      [scans.customerNext, [...table.lead, customer, 'n5', 100]],
    ] as const) {
      const shown = await plan(statement, values)
      assert.match(shown, /Index Cond: .*(?:customer|account)/, shown)
      assert.doesNotMatch(shown, /Seq Scan/, shown)
    }
  })

  test(`one secret and a batch are found by the key's index: ${what}`, async (t) => {
    const { mapping, plan } = await open(t, table)
    const reads = readStatements(mapping)
    const key = [...table.lead, ...table.place]
    for (const shown of [
      await plan(reads.one, key),
      await plan(
        reads.many,
        key.map((value) => `{${value}}`),
      ),
    ]) {
      assert.match(shown, /Index Scan using/, shown)
      assert.doesNotMatch(shown, /Seq Scan/, shown)
    }
  })
}
