import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome, type Serving } from '../support/home.ts'

const INHERITED = `
create table t (provider text not null, customer text not null, name text not null, value text not null,
                primary key (provider, customer, name));
create table t_eu () inherits (t);
insert into t    values ('aws','acme','token','ACME-parent');
insert into t_eu values ('aws','acme','token','ACME-child'), ('aws','zeta','k2','ZETA-OWN');`

const SOFT = `
create table t (id bigserial primary key, customer text not null, name text not null, value text not null, deleted_at timestamptz);
create unique index live_once on t (customer, name) where deleted_at is null;
insert into t (customer,name,value,deleted_at) values ('acme','token','ACME-OLD',now()), ('acme','token','ACME-LIVE',null), ('zeta','k2','ZETA-OWN',null);`

const REVISIONS = `
create table t (customer text, name text, rev int default 1, value text not null, primary key (customer, name, rev));
insert into t values ('acme','token',1,'ACME-1'), ('acme','token',2,'ACME-2'), ('zeta','k2',1,'ZETA-OWN');`

const KEYED = { integration: 'provider', customer: 'customer', name: 'name', value: 'value' }

/** Ten at once, half of each. */
const atOnce = (serving: Serving) =>
  Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const path = n % 2 === 0 ? 'aws/acme/token' : 'aws/zeta/k2'
      const response = await serving.request(path)
      return { path, status: response.status, body: await response.text() }
    }),
  )

const TABLES = {
  '1': {
    what: 'a table with children by INHERITS',
    sql: INHERITED,
    columns: KEYED,
    says: /has children by INHERITS \(t_eu\)/,
  },
  '2': {
    what: 'a unique index over live rows only',
    sql: SOFT,
    columns: undefined,
    says: /no unique index on exactly \(customer, name\).*live_once is only over the rows WHERE \(deleted_at IS NULL\)/,
  },
  '2b': {
    what: 'a row for each revision',
    sql: REVISIONS,
    columns: undefined,
    says: /no unique index on exactly \(customer, name\).*t_pkey is on \(customer, name, rev\)/,
  },
} as const

for (const [id, { what, sql, columns, says }] of Object.entries(TABLES)) {
  caseOf(
    ['field', id],
    `${what} is refused by the check and served to nobody, with the check's sentence`,
    {},
    async (t) => {
      const home = await makeHome(t, {
        sql,
        ...(columns && { columns }),
        ...(id === '2' && { columns: { ...DELETED } }),
      })
      const checked = await home.check()
      assert.notEqual(checked.exit, 0)
      assert.match(checked.stdout, says)
      const serving = await home.serve()
      for (let round = 0; round < 20; round += 1) {
        for (const { status, body } of await atOnce(serving)) {
          assert.equal(status, 503)
          assert.match(body, says)
          assert.doesNotMatch(body, /ACME|ZETA-OWN/)
        }
      }
      const put = await serving.request('aws/acme/new', { method: 'PUT', body: new Uint8Array([65]) })
      assert.deepEqual([put.status, put.headers.get('retry-after')], [503, '1'])
      const ready = await fetch(`${serving.operators}/readyz?verbose`)
      assert.equal(ready.status, 503)
      assert.match(await ready.text(), says)
      assert.match((await serving.cli('status')).stdout, says)
    },
  )
}
const DELETED = {
  integration: { constant: 'aws' },
  customer: 'customer',
  name: 'name',
  value: 'value',
  deleted: 'deleted_at',
}

caseOf(
  ['field', '1'],
  'keys that two rows answer give an error of that key alone, whatever arrives at the same instant',
  {},
  async (t) => {
    // The index is lost while it is served, after the check: two rows of one key are there before it looks again.
    const home = await makeHome(t, {
      sql: `create table t (customer text not null, name text not null, value text not null, primary key (customer, name));
        insert into t values ('acme','token','ACME-1'), ('zeta','k2','ZETA-OWN')`,
    })
    const serving = await home.serve()
    await home.query(`alter table t drop constraint t_pkey; insert into t values ('acme','token','ACME-2')`)
    for (let round = 0; round < 20; round += 1) {
      for (const { path, status, body } of await atOnce(serving)) {
        if (path === 'aws/zeta/k2') assert.deepEqual([status, body], [200, 'ZETA-OWN'])
        else assert.equal(status, 502, body)
        if (path === 'aws/acme/token') assert.match(body, /ambiguous/)
      }
    }
  },
)
