import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const META = { integration: { constant: 'aws' }, customer: 'customer', name: 'name', value: 'value', metadata: 'meta' }

caseOf(
  ['field', '9'],
  'metadata that is null, no text or no map is served with its value, and carried over',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `create table t (customer text not null, name text not null, value text not null, meta jsonb, primary key (customer, name));
      insert into t values ('acme','null','v', 'null'), ('acme','number','v','{"ttl": 3600, "a": "b"}'), ('acme','list','v','{"tags": ["a"]}'),
        ('acme','sql','v',null), ('acme','top','v','[1]')`,
      columns: META,
    })
    assert.equal((await home.check()).exit, 0)
    const serving = await home.serve()
    const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      null: {},
      number: { 'crossfade-meta-ttl': '3600', 'crossfade-meta-a': 'b' },
      list: { 'crossfade-meta-tags': '["a"]' },
      sql: {},
      top: { 'crossfade-meta-metadata': '[1]' },
    }
    const readAll = async () => {
      for (const [name, headers] of Object.entries(expected)) {
        const response = await serving.request(`aws/acme/${name}`)
        assert.deepEqual([response.status, await response.text()], [200, 'v'], name)
        const own = [...response.headers].filter(([key]) => key.startsWith('crossfade-meta-'))
        assert.deepEqual(Object.fromEntries(own), headers, name)
      }
    }
    await readAll()
    const run = await serving.cli('migrate', 'aws', '--execute', '--reason', 'a test', '--json')
    assert.equal(run.exit, 0, run.stdout + run.stderr)
    assert.match(run.stdout, /"verified":5/)
    await readAll()
  },
)

caseOf(
  ['field', '10'],
  'a content type that a table has no place for is refused by its name, with what to do',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `create table t (customer text not null, name text not null, value text not null, primary key (customer, name))`,
    })
    const serving = await home.serve()
    for (const type of ['text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'application/json']) {
      const refused = await serving.request('aws/acme/x', {
        method: 'PUT',
        body: 'x',
        headers: { 'content-type': type },
      })
      assert.equal(refused.status, 422, type)
      const said = (await refused.json()) as { detail: string }
      assert.match(
        said.detail,
        /no column for a content type: send content-type: application\/octet-stream or none at all/,
      )
    }
    const headers = { 'content-type': 'application/octet-stream' }
    assert.equal((await serving.request('aws/acme/x', { method: 'PUT', body: 'x', headers })).status, 204)
    assert.equal((await serving.request('aws/acme/y', { method: 'PUT', body: Buffer.from('y') })).status, 204)
  },
)
