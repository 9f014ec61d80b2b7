import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { caseOf } from '../support/case.ts'
import { type Home, makeHome } from '../support/home.ts'

const TABLE = `create table t (customer text not null, name text not null, value text not null, primary key (customer, name));
  insert into t values ('acme', 'token', 'v1');`

/** A home whose store is used by a role of its own, which is dropped after the test. */
async function withRole(t: TestContext, grants: (role: string) => string): Promise<Home & { role: string }> {
  const role = `cf_${randomUUID().slice(0, 8)}`
  const home = await makeHome(t, { sql: `create role ${role} login password 'x'; ${TABLE} ${grants(role)}`, role })
  const password_file = home.keep('role-pw', 'x')
  home.rewrite((config) => ({
    ...config,
    stores: { ...config.stores, homegrown: { ...config.stores['homegrown'], password_file } } as typeof config.stores,
  }))
  t.after(() => home.query(`drop owned by ${role}; drop role ${role}`).catch(() => undefined))
  return { ...home, role }
}

const saysOf = async (home: Home): Promise<string> => {
  const { exit, stdout } = await home.check()
  assert.notEqual(exit, 0, stdout)
  return stdout
}

caseOf(['field', '12'], 'the check names every right that the role lacks, by table and column', {}, async (t) => {
  const none = await saysOf(await withRole(t, () => ''))
  for (const right of ['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
    assert.match(none, new RegExp(`lacks ${right} on t`), right)
  const selects = await withRole(t, (role) => `grant select on t to ${role};`)
  assert.doesNotMatch(await saysOf(selects), /SELECT/)
  const serving = await selects.serve()
  assert.deepEqual(await (await serving.request('aws/acme/token')).text(), 'v1')
  const put = await serving.request('aws/acme/token', { method: 'PUT', body: Buffer.from('v2') })
  assert.equal(put.status, 503)
  assert.match(await put.text(), /lacks INSERT on t/)
  assert.match(await (await fetch(`${serving.operators}/readyz?verbose`)).text(), /lacks INSERT on t/)
  const columns = await saysOf(
    await withRole(
      t,
      (role) => `grant select (customer, name) on t to ${role}; grant insert, update, delete on t to ${role};`,
    ),
  )
  assert.match(columns, /lacks SELECT on t \(value\)/)
})

caseOf(
  ['field', '12'],
  'grants by column do not reach xmin: the check says so, and with a version and a deleted column they are enough',
  {},
  async (t) => {
    const rights = (role: string): string =>
      `alter table t add v bigint, add deleted boolean; grant delete on t to ${role};
      grant select (customer, name, value, v, deleted), insert (customer, name, value, v, deleted), update (value, v, deleted) on t to ${role};`
    const home = await withRole(t, rights)
    assert.match(await saysOf(home), /lacks SELECT on xmin of t/)
    const serving = await home.serve()
    const read = await serving.request('aws/acme/token')
    assert.equal(read.status, 503)
    assert.match(await read.text(), /lacks SELECT on xmin of t/)
    await serving.stop()
    home.rewrite((config) => {
      const { homegrown, ...others } = config.stores as Record<string, { readonly columns?: object }>
      const columns = { ...homegrown?.columns, version: 'v', deleted: 'deleted' }
      return {
        ...config,
        stores: { ...others, homegrown: { ...homegrown, columns } } as unknown as typeof config.stores,
      }
    })
    const checked = await home.check()
    assert.equal(checked.exit, 0, checked.stdout)
    const again = await home.serve()
    assert.equal((await again.request('aws/acme/token', { method: 'PUT', body: Buffer.from('v2') })).status, 204)
    assert.equal(await (await again.request('aws/acme/token')).text(), 'v2')
  },
)

caseOf(
  ['field', '11'],
  'row security that applies to the role is an error, and the store is no empty one',
  {},
  async (t) => {
    const home = await withRole(
      t,
      (role) => `grant all on t to ${role}; alter table t enable row level security;
    create policy p on t using (customer = current_setting('app.tenant', true));`,
    )
    assert.match(await saysOf(home), /row security applies to this role/)
    const serving = await home.serve()
    const read = await serving.request('aws/acme/token')
    assert.equal(read.status, 503)
    assert.match(await read.text(), /row security applies to this role/)
  },
)

caseOf(
  ['field', '14'],
  'a server that takes no writes costs its connections, and writes work once it does',
  {},
  async (t) => {
    const home = await withRole(
      t,
      (role) => `grant all on t to ${role}; alter role ${role} set default_transaction_read_only = on;`,
    )
    assert.match(await saysOf(home), /takes no writes now/)
    const serving = await home.serve()
    const put = () => serving.request('aws/acme/token', { method: 'PUT', body: Buffer.from('v2') })
    const refused = await put()
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
    assert.equal((await serving.request('aws/acme/token')).status, 200)
    await home.query(`alter role ${home.role} reset default_transaction_read_only`)
    let answer = await put()
    for (let tries = 0; answer.status !== 204 && tries < 20; tries += 1) {
      assert.equal(answer.status, 503)
      answer = await put()
    }
    assert.equal(answer.status, 204)
  },
)
