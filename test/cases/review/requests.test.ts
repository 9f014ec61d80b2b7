import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const SQL = `
create table t (customer text, name text, value text not null, primary key (customer, name));
insert into t values ('acme', 'token', 'whole');
`

/** What the server says to bytes that a client library would not send. */
async function raw(url: string, request: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(request)
  return text(socket)
}

const codeOf = async (answer: Response): Promise<readonly [number, string | undefined]> => {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  return [answer.status, ((await answer.json()) as { code?: string }).code]
}

caseOf(['review', '18'], 'a cursor that no answer gave is the mistake of a client, at both ports', {}, async (t) => {
  const proxy = await (await makeHome(t, { sql: SQL })).serve()
  const refused = [400, 'parameter-refused'] as const
  for (const after of ['%00', 'a%00b', 'x'.repeat(513)])
    assert.deepEqual(await codeOf(await proxy.request(`aws/acme?after=${after}`)), refused, after)
  const ops = (path: string) =>
    fetch(`${proxy.operators}/api/v1/ops/${path}`, { headers: { authorization: `Bearer ${proxy.token}` } })
  const paths = [
    'events?after=abc',
    'events?since=-1',
    'mismatches?after=abc',
    'quarantine?after=abc',
    `quarantine?after=${Buffer.from('{"integration":"aws","customer":1,"name":"n"}').toString('base64url')}`,
    'events?selector=%00',
    'status?selector=a%00b',
    'history?after=%00',
    'keys/vaulted?customer=a%00b',
  ]
  for (const path of paths) assert.deepEqual(await codeOf(await ops(path)), refused, path)
  const rewrap = await fetch(`${proxy.operators}/api/v1/ops/keys/vaulted/rewrap`, {
    method: 'POST',
    headers: { authorization: `Bearer ${proxy.token}` },
    body: JSON.stringify({ after: 'abc', execute: true, reason: 'test' }),
  })
  assert.deepEqual(await codeOf(rewrap), refused)
})

caseOf(['review', '19'], 'a part of a value, or a coded one, is never stored as the whole', {}, async (t) => {
  const home = await makeHome(t, { sql: SQL })
  const proxy = await home.serve()
  const put = (headers: Record<string, string>) =>
    proxy.request('aws/acme/token', { method: 'PUT', body: Buffer.from('part'), headers })
  assert.deepEqual(await codeOf(await put({ 'content-range': 'bytes 0-3/9' })), [400, 'header-refused'])
  for (const coding of ['gzip', 'br', 'gzip, identity', 'x'])
    assert.deepEqual(await codeOf(await put({ 'content-encoding': coding })), [415, 'media-type-unsupported'])
  const path = 'PUT /api/v1/secrets/aws/acme/token HTTP/1.1\r\nhost: x\r\nconnection: close'
  const head = `${path}\r\nauthorization: Bearer ${home.tokens.client}\r\n`
  const coded = await raw(proxy.clients, `${head}transfer-encoding: gzip, chunked\r\n\r\n4\r\npart\r\n0\r\n\r\n`)
  assert.match(coded, /^HTTP\/1\.1 501 .*"code":"coding-unsupported"/s)
  const expecting = await raw(proxy.clients, `${head}expect: 200-maybe\r\ncontent-length: 4\r\n\r\n`)
  assert.match(expecting, /^HTTP\/1\.1 417 .*application\/problem\+json.*"code":"expectation-failed"/s)
  assert.equal(await (await proxy.request('aws/acme/token')).text(), 'whole')
})

caseOf(['review', '20'], 'what every object inherits is no integration', {}, async (t) => {
  const proxy = await (await makeHome(t, { sql: SQL })).serve()
  for (const name of ['constructor', 'valueof', 'hasownproperty', 'tostring'])
    for (const path of [`${name}/acme/token`, `${name}/acme`])
      assert.deepEqual(await codeOf(await proxy.request(path)), [404, 'unknown-integration'], path)
  const explained = await proxy.cli('explain', 'constructor', 'acme', '--json')
  assert.match(explained.stdout, /"not-configured"/)
})
