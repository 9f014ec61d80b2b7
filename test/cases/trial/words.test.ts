import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const SQL = `
create table t (customer text, name text, value text not null, meta jsonb, primary key (customer, name));
insert into t values ('acme', 'token', 'v', null), ('acme', 'other', 'w', null);
`

caseOf(
  ['trial', 'F10'],
  'a flag that was never seen holds nothing, and a plan counts in whole sentences',
  {},
  async (t) => {
    const proxy = await (await makeHome(t, { sql: SQL })).serve()
    const metrics = await (await fetch(`${proxy.operators}/metrics`)).text()
    assert.match(metrics, /^crossfade_flag_held_integrations\{reason="missing"\} 0$/m)
    let plan = await proxy.cli('migrate', 'aws')
    // A store that is slow at its first call is not counted.
    while (/of all of new/.test(plan.stdout)) plan = await proxy.cli('migrate', 'aws')
    assert.match(plan.stdout, /record the names of the 2 secrets of legacy and of the 0 of new/)
    assert.match(plan.stdout, /copy the 2 secrets from legacy to new/)
  },
)
