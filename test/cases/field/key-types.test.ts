import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome, type Serving } from '../support/home.ts'

const bytes = (text: string) => ({ method: 'PUT', body: Buffer.from(text) })
const answerOf = async (serving: Serving, path: string): Promise<readonly [number, string]> => {
  const response = await serving.request(path)
  return [response.status, await response.text()]
}
const KEYED = { integration: 'provider', customer: 'org', name: 'key', value: 'secret' }

const TABLES = {
  'a domain over text': {
    sql: `create domain slug as text check (value ~ '^[a-z-]+$');
      create table t (provider text not null, org slug not null, key text not null, secret text not null, primary key (provider, org, key));`,
  },
  'a domain over a domain over varchar, and one for the value': {
    sql: `create domain short as varchar(20); create domain shorter as short not null; create domain sealed as text;
      create table t (provider varchar(9) not null, org shorter, key text not null, secret sealed not null, primary key (provider, org, key));`,
  },
  citext: {
    sql: `create extension citext;
      create table t (provider citext not null, org citext not null, key citext not null, secret text not null, primary key (provider, org, key));`,
  },
  'an enum': {
    sql: `create type prov as enum ('github', 'aws'); create type who as enum ('zeta', 'acme', 'other');
      create table t (provider prov not null, org who not null, key text not null, secret text not null, primary key (provider, org, key));`,
  },
  'char(n)': {
    sql: `create table t (provider char(10) not null, org char(12) not null, key text not null, secret text not null, primary key (provider, org, key));`,
  },
} as const

for (const [what, { sql }] of Object.entries(TABLES)) {
  caseOf(['field', '3'], `a key of ${what} is read, listed, written and carried over`, {}, async (t) => {
    const home = await makeHome(t, {
      sql: `${sql} insert into t values ('aws', 'acme', 'token', 'v1')`,
      columns: KEYED,
    })
    const checked = await home.check()
    assert.equal(checked.exit, 0, checked.stdout)
    const serving = await home.serve()
    assert.deepEqual(await answerOf(serving, 'aws/acme/token'), [200, 'v1'])
    const at = await Promise.all(['aws/acme/token', 'aws/acme/none'].map((path) => serving.request(path)))
    assert.deepEqual(
      at.map(({ status }) => status),
      [200, 404],
    )
    assert.equal((await serving.request('aws/acme/second', bytes('v2'))).status, 204)
    assert.deepEqual(await answerOf(serving, 'aws/acme/second'), [200, 'v2'])
    assert.equal((await answerOf(serving, 'aws/elsewhere/token'))[0], 404)
    const listed = await serving.request('aws/acme?limit=10')
    assert.match(await listed.text(), /"token"/)
    const run = await serving.cli('migrate', 'aws', '--execute', '--reason', 'a test', '--json')
    assert.equal(run.exit, 0, run.stdout + run.stderr)
    const held = await home.query(`select org::text, key::text, secret::text from t order by key`)
    assert.deepEqual(held, [
      { org: 'acme', key: 'second', secret: 'v2' },
      { org: 'acme', key: 'token', secret: 'v1' },
    ])
    const quarantined = await serving.cli('quarantine', 'list', 'aws', '--json')
    assert.doesNotMatch(quarantined.stdout, /acme/)
  })
}

caseOf(
  ['field', '3'],
  'another spelling of a citext key is another secret: it is not there, and never written over',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `create extension citext; create table t (customer citext not null, name citext not null, value text not null, primary key (customer, name));
      insert into t values ('acme', 'Token', 'v1')`,
    })
    const serving = await home.serve()
    assert.equal((await answerOf(serving, 'aws/acme/token'))[0], 404)
    const both = await Promise.all(['aws/acme/token', 'aws/acme/Token'].map((path) => answerOf(serving, path)))
    assert.deepEqual([both[0]?.[0], both[1]], [404, [200, 'v1']])
    assert.equal((await serving.request('aws/acme/token', bytes('v2'))).status, 502)
    assert.deepEqual(await home.query('select name::text, value from t'), [{ name: 'Token', value: 'v1' }])
  },
)

caseOf(['field', '3'], 'a type that is not understood is an error, never an empty store', {}, async (t) => {
  const home = await makeHome(t, {
    sql: `create table t (customer numeric not null, name text not null, value text not null, primary key (customer, name));
      insert into t values (7, 'token', 'v1')`,
  })
  const says = /column customer \(customer\) is numeric/
  const checked = await home.check()
  assert.deepEqual([checked.exit === 0, says.test(checked.stdout)], [false, true])
  const [status, body] = await answerOf(await home.serve(), 'aws/7/token')
  assert.equal(status, 503)
  assert.match(body, says)
})

caseOf(
  ['field', '15'],
  'a column that is widened, and an enum that grows, are seen while they are served',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `create table t (customer int not null, name text not null, value text not null, primary key (customer, name));
      insert into t values (1, 'a', 'small')`,
    })
    const serving = await home.serve()
    assert.deepEqual(await answerOf(serving, 'aws/1/a'), [200, 'small'])
    await home.query(`alter table t alter column customer type bigint; insert into t values (3000000000, 'a', 'big')`)
    // At most once in a second the table is looked up for an address that its old type could not have.
    let seen = await answerOf(serving, 'aws/3000000000/a')
    for (const until = performance.now() + 20_000; seen[0] === 404 && performance.now() < until; )
      seen = await answerOf(serving, 'aws/3000000000/a')
    assert.deepEqual(seen, [200, 'big'])
    assert.equal((await serving.request('aws/3000000001/a', bytes('bigger'))).status, 204)
    assert.deepEqual(await answerOf(serving, 'aws/3000000001/a'), [200, 'bigger'])
    assert.deepEqual(await answerOf(serving, 'aws/1/a'), [200, 'small'])
  },
)
