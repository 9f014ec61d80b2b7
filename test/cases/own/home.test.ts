import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const SQL = `
create table t (customer text not null, name text not null, value text not null, primary key (customer, name));
insert into t values ('acme', 'token', 'v1');
`

caseOf(['own', '1'], 'the shortest home serves what its table holds', {}, async (t) => {
  const home = await makeHome(t, { sql: SQL })
  const proxy = await home.serve()
  const answer = await proxy.request('aws/acme/token')
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), 'v1')
  const status = await proxy.cli('status', '--json')
  assert.equal(status.exit, 0, status.stderr)
})
