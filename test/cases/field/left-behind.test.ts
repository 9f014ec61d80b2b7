import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

caseOf(
  ['field', '21'],
  'rows that no address leads to are counted by plan, run and status, and finalize lacks until they are accepted',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `create table t (customer text, name text, value text not null, unique nulls not distinct (customer, name));
      insert into t values ('acme','a','1'), ('acme','b','2'), ('zeta','c','3'), (null,'d','4'), (null,'e','5'), ('acme', null, '6')`,
    })
    const serving = await home.serve()
    const says = /2 secrets of legacy have no customer, 1 secrets of legacy have no name and are not carried over/
    const plan = await serving.cli('migrate', 'aws')
    assert.match(plan.stdout, says)
    const run = await serving.cli('migrate', 'aws', '--execute', '--reason', 'a test')
    assert.equal(run.exit, 0, run.stdout + run.stderr)
    assert.match(run.stdout + run.stderr, says)
    const status = async () => (await serving.cli('status')).stdout
    while (!/aws: 2 secrets of legacy have no customer and are not carried over/.test(await status()));
    const finalize = async () => (await serving.cli('finalize', 'aws')).stdout
    assert.match(await finalize(), new RegExp(`${says.source}, and nobody accepted that`))
    const accepted = await serving.cli('quarantine', 'accept', 'aws', '--execute', '--reason', 'a test')
    assert.match(accepted.stdout, /3 of legacy that no address leads to stay behind/)
    assert.doesNotMatch(await finalize(), /nobody accepted that/)
    // One more is another matter.
    await home.query(`alter table t drop constraint t_customer_name_key; insert into t values (null, 'f', '7')`)
    assert.match(await finalize(), /3 secrets of legacy have no customer, .* and nobody accepted that/)
  },
)

caseOf(
  ['field', '21'],
  'an integration that the table spells in another way is counted, since nobody lists it',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `create table t (provider text not null, customer text not null, name text not null, value text not null, primary key (provider, customer, name));
      insert into t values ('aws','acme','a','1'), ('AWS','acme','b','2'), ('Aws','acme','c','3')`,
      columns: { integration: 'provider', customer: 'customer', name: 'name', value: 'value' },
    })
    const serving = await home.serve()
    const plan = await serving.cli('migrate', 'aws')
    assert.match(
      plan.stdout,
      /2 secrets of legacy have an integration that is spelled in another way and are not carried over/,
    )
  },
)
