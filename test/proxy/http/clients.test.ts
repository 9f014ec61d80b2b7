import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { MAX_SIZE, problem, withClients } from './with-clients.ts'

const PATH = '/api/v1/secrets/aws/c1/prod/key'

test('what is put is got back byte for byte, with content type, metadata, ETag and who served', async (t) => {
  const { ask } = await withClients(t)
  const body = randomBytes(300)
  const headers = { 'content-type': 'application/x-pem; q="ä"'.replace('ä', 'a'), 'crossfade-meta-owner': '%C3%BC %25' }
  const put = await ask({ method: 'PUT', path: PATH, headers, body })
  assert.equal(put.status, 204)
  const got = await ask({ path: PATH })
  assert.equal(got.status, 200)
  assert.deepEqual(got.body, body)
  assert.equal(got.headers['content-type'], headers['content-type'])
  assert.equal(got.headers['crossfade-meta-owner'], '%C3%BC %25')
  assert.equal(got.headers.etag, put.headers.etag)
  assert.equal(got.headers['crossfade-served-by'], 'legacy')
  assert.equal(got.headers['crossfade-phase'], 'dualwrite')
  assert.equal(got.headers['crossfade-version'], '7')
  assert.equal(got.headers['crossfade-fallback'], undefined)
  assert.equal(got.headers['cache-control'], 'no-store')
  assert.equal(got.headers['x-content-type-options'], 'nosniff')
})

test('a body is never parsed, whatever its content type claims', async (t) => {
  const { ask } = await withClients(t)
  for (const type of ['application/json', 'multipart/form-data', 'nonsense', 'text/plain; charset=utf-8']) {
    const put = await ask({ method: 'PUT', path: PATH, headers: { 'content-type': type }, body: '{"__proto__": 1.0' })
    assert.equal(put.status, 204, type)
    const got = await ask({ path: PATH })
    assert.equal(got.body.toString(), '{"__proto__": 1.0')
    assert.equal(got.headers['content-type'], type)
  }
})

test('an empty value without a content type is a value, served as octets', async (t) => {
  const { ask } = await withClients(t)
  assert.equal((await ask({ method: 'PUT', path: PATH })).status, 204)
  const got = await ask({ path: PATH })
  assert.equal(got.status, 200)
  assert.equal(got.body.length, 0)
  assert.equal(got.headers['content-type'], 'application/octet-stream')
})

test('HEAD answers the headers of GET without the value', async (t) => {
  const { ask } = await withClients(t)
  await ask({ method: 'PUT', path: PATH, body: 'abc' })
  const head = await ask({ method: 'HEAD', path: PATH })
  assert.equal(head.status, 200)
  assert.equal(head.headers['content-length'], '3')
  assert.equal(head.body.length, 0)
})

test('conditional requests: 304 for the current tag, 412 for another, creation only once', async (t) => {
  const { ask } = await withClients(t)
  const create = { method: 'PUT', path: PATH, headers: { 'if-none-match': '*' }, body: 'a' }
  const { etag = '' } = (await ask(create)).headers
  assert.equal((await ask(create)).status, 412)
  for (const [tags, status] of [
    [etag, 304],
    [`W/${etag}, "x"`, 304],
    ['*', 304],
    ['"x"', 200],
  ] as const)
    assert.equal((await ask({ path: PATH, headers: { 'if-none-match': tags } })).status, status, tags)
  const swap = (tags: string) => ask({ method: 'PUT', path: PATH, headers: { 'if-match': tags }, body: 'b' })
  assert.equal((await swap('"x"')).status, 412)
  assert.equal((await swap(`W/${etag}`)).status, 412)
  assert.equal((await swap(`"x", ${etag}`)).status, 204)
  assert.equal((await ask({ method: 'DELETE', path: PATH, headers: { 'if-match': etag } })).status, 412)
  assert.equal((await ask({ path: PATH, headers: { 'if-match': etag } })).status, 412)
})

test('a precondition that means nothing here is 400', async (t) => {
  const { ask } = await withClients(t)
  const refused: [string, Record<string, string>][] = [
    ['PUT', { 'if-match': 'x' }],
    ['PUT', { 'if-match': '' }],
    ['PUT', { 'if-none-match': '"x"' }],
    ['PUT', { 'if-match': '"x"', 'if-none-match': '*' }],
    ['DELETE', { 'if-none-match': '*' }],
  ]
  for (const [method, headers] of refused)
    assert.equal(
      problem(await ask({ method, path: PATH, headers }))['code'],
      'precondition-refused',
      JSON.stringify(headers),
    )
})

test('deleting is 204, also for what is not there; reading it is a 404 that says who served', async (t) => {
  const { ask } = await withClients(t)
  assert.equal((await ask({ method: 'DELETE', path: PATH })).status, 204)
  const got = await ask({ path: PATH })
  assert.equal(problem(got)['code'], 'secret-not-found')
  assert.equal(got.status, 404)
  assert.equal(got.headers['crossfade-served-by'], 'legacy')
})

test('a listing gives pages of names', async (t) => {
  const { ask } = await withClients(t)
  for (const name of ['a', 'b/c', 'd']) await ask({ method: 'PUT', path: `/api/v1/secrets/aws/c1/${name}`, body: name })
  const first = problem(await ask({ path: '/api/v1/secrets/aws/c1?limit=2' }))
  assert.deepEqual(first, { entries: [{ name: 'a' }, { name: 'b/c' }], next: 'b/c' })
  const second = problem(await ask({ path: '/api/v1/secrets/aws/c1?limit=2&after=b%2Fc' }))
  assert.deepEqual(second, { entries: [{ name: 'd' }], next: null })
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'size=1', 'after=a&after=b'])
    assert.equal(problem(await ask({ path: `/api/v1/secrets/aws/c1?${query}` }))['code'], 'parameter-refused', query)
})

test('fallback and unproven answers say so', async (t) => {
  const { ask, secrets } = await withClients(t)
  await ask({ method: 'PUT', path: PATH, body: 'a' })
  secrets.serve({ by: 'new', phase: 'off', fallback: 'debt', unproven: true })
  const { headers } = await ask({ path: PATH })
  assert.equal(headers['crossfade-served-by'], 'new')
  assert.equal(headers['crossfade-fallback'], 'debt')
  assert.equal(headers['crossfade-unproven'], 'true')
})

test('a value over the limit is 413, announced or not', async (t) => {
  const { ask } = await withClients(t)
  const body = randomBytes(MAX_SIZE + 1)
  const announced = await ask({ method: 'PUT', path: PATH, headers: { 'content-length': String(body.length) }, body })
  const chunked = await ask({ method: 'PUT', path: PATH, headers: { 'transfer-encoding': 'chunked' }, body })
  for (const answer of [announced, chunked]) {
    assert.equal(answer.status, 413)
    assert.equal(problem(answer)['code'], 'value-too-large')
  }
  assert.equal((await ask({ method: 'PUT', path: PATH, body: randomBytes(MAX_SIZE) })).status, 204)
})

test('metadata that cannot be kept as it is, is refused', async (t) => {
  const { ask } = await withClients(t)
  const put = (headers: Record<string, string | string[]>) => ask({ method: 'PUT', path: PATH, headers, body: 'a' })
  for (const headers of [
    { 'crossfade-meta-a_b': 'x' },
    { 'crossfade-meta-a': '%zz' },
    { 'crossfade-meta-a': '%ff' },
    { 'crossfade-meta-a': ['x', 'y'] },
    { 'crossfade-meta-': 'x' },
  ])
    assert.equal(problem(await put(headers))['code'], 'header-refused', JSON.stringify(headers))
  assert.equal((await put({ 'crossfade-meta-a': 'x'.repeat(4096) })).status, 431)
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`crossfade-meta-k${i}`, 'x']))
  assert.equal((await put(many)).status, 431)
})
