import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const many = Object.fromEntries(
  Array.from({ length: 64 }, (_, n) => [`key-${String(n).padStart(2, '0')}`, 'v'.repeat(500)]),
)
const SQL = `
create table t (provider text, customer text, name text, value text not null, meta jsonb, type text,
                primary key (provider, customer, name));
insert into t values
  ('aws', 'acme', 'odd', 'v', '{"Owner Team": "payments", "tier": "gold"}', null),
  ('aws', 'acme', 'unicode', 'v', '{"größe": "x"}', null),
  ('aws', 'acme', 'both', 'v', '{"Foo": "1", "foo": "2"}', null),
  ('aws', 'acme', 'proto', 'v', '{"__proto__": "1", "connection": "close", "a\\r\\nb": "c"}', null),
  ('aws', 'acme', 'value', 'v', '{"note": "line\\r\\nset-cookie: a=b \\u00e9"}', null),
  ('aws', 'acme', 'many', 'v', '${JSON.stringify(many)}', null),
  ('aws', 'acme', 'typed', 'v', null, E'text/plain\\n'),
  ('aws', 'acme', 'wide', 'v', null, 'text/größe');
`
const COLUMNS = {
  integration: 'provider',
  customer: 'customer',
  name: 'name',
  value: 'value',
  metadata: 'meta',
  content_type: 'type',
}

const metaOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('crossfade-meta-')))

caseOf(
  ['field', '8'],
  'a value is served with what headers can carry, and the rest of its metadata is named',
  {},
  async (t) => {
    const home = await makeHome(t, { sql: SQL, columns: COLUMNS })
    const proxy = await home.serve()
    const read = async (name: string) => {
      const answer = await proxy.request(`aws/acme/${name}`)
      assert.equal(answer.status, 200, name)
      assert.equal(await answer.text(), 'v', name)
      return answer
    }
    assert.deepEqual(metaOf(await read('odd')), {
      'crossfade-meta-tier': 'gold',
      'crossfade-meta-omitted': 'Owner%20Team',
    })
    assert.deepEqual(metaOf(await read('unicode')), { 'crossfade-meta-omitted': 'gr%C3%B6%C3%9Fe' })
    assert.deepEqual(metaOf(await read('both')), { 'crossfade-meta-foo': '2', 'crossfade-meta-omitted': 'Foo' })
    const proto = metaOf(await read('proto'))
    assert.equal(proto['crossfade-meta-connection'], 'close')
    assert.equal(proto['crossfade-meta-omitted'], '__proto__, a%0D%0Ab')
    assert.deepEqual(metaOf(await read('value')), { 'crossfade-meta-note': 'line%0D%0Aset-cookie: a=b %C3%A9' })
    const large = metaOf(await read('many'))
    const size = Object.entries(large).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
    assert.ok(size < 8192, `${size} bytes of headers`)
    assert.equal(Object.keys(large).length, 9, 'eight of them, 4 KiB, and what is missing')
    assert.equal(large['crossfade-meta-omitted']?.split(', ').length, 56)
  },
)

caseOf(
  ['review', '13'],
  'a content type that no header carries is told apart, and a failed answer is a problem document',
  {},
  async (t) => {
    const home = await makeHome(t, { sql: SQL, columns: COLUMNS })
    const proxy = await home.serve()
    const typed = await proxy.request('aws/acme/typed')
    assert.equal(typed.status, 200)
    assert.equal(typed.headers.get('content-type'), 'application/octet-stream')
    assert.equal(typed.headers.get('crossfade-content-type-omitted'), 'text/plain%0A')
    const wide = await proxy.request('aws/acme/wide', { headers: { 'if-none-match': '"x"' } })
    assert.equal(await wide.text(), 'v')
    assert.equal(wide.headers.get('crossfade-content-type-omitted'), 'text/gr%C3%B6%C3%9Fe')
    const head = await proxy.request('aws/acme/odd', { method: 'HEAD' })
    assert.equal(head.headers.get('crossfade-meta-omitted'), 'Owner%20Team')
  },
)
