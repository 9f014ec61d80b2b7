import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ANY, type Store } from '../../../backends/store.ts'
import { vaultKvConfigSchema } from '../../../backends/vault-kv/config.ts'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { useBao } from '../../support/bao.ts'
import { address, at, call, secret } from '../checks/check.ts'
import { deps, secretFile, vaultKvConfig } from '../subjects.ts'

const bao = useBao()
const options = { skip: bao.skip }
const WHERE = address('github')

/** A server that answers every request but the look-up of the token in one way, as servers and what stands before them do. */
async function answering(t: TestContext, version: 1 | 2, status: number, body: string): Promise<Store> {
  const server = http.createServer((request, response) => {
    request.resume()
    const lookUp = request.url?.endsWith('/lookup-self')
    // Longer than any call of these tests has.
    const retryAfter = status === 429 ? { 'retry-after': '60' } : {}
    response.writeHead(lookUp ? 200 : status, { 'content-type': 'application/json', ...retryAfter })
    response.end(lookUp ? '{"data":{"ttl":0,"renewable":false}}' : status === 204 ? undefined : body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const config = vaultKvConfigSchema.parse({
    kind: 'vault-kv',
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    auth: { kind: 'token', token_file: await secretFile(t, 'token') },
    mount: 'secret',
    version,
    expiring_tokens: false,
  })
  const store = openVaultKvStore(config, deps('kv'))
  t.after(() => store.close())
  return store
}

const refused = (reason: string) => ({ kind: 'refused', reason })
const unknown = (reason: string) => ({ kind: 'unknown', reason })
const error = (reason: string, passing: boolean) => ({ kind: 'error', reason, passing })

/** Status, body, and what it means for a conditional put to version 2 and for a read. */
const ANSWERS: readonly (readonly [name: string, status: number, body: string, put: unknown, get: unknown])[] = [
  [
    'another version is current',
    400,
    '{"errors":["check-and-set parameter did not match the current version"]}',
    { kind: 'conflict' },
    error('rejected', false),
  ],
  [
    'too many strings',
    400,
    '{"errors":["refused JSON input due to high complexity: exceeded maximum number of strings"]}',
    refused('too-large'),
    error('too-large', false),
  ],
  [
    'a body that is too large',
    413,
    '{"errors":["http: request body too large"]}',
    refused('too-large'),
    error('too-large', false),
  ],
  ['another refusal', 400, '', refused('rejected'), error('rejected', false)],
  ['no right', 403, '{"errors":["permission denied"]}', refused('denied'), error('denied', false)],
  [
    'no such mount',
    404,
    '{"errors":["no handler for route \\"secret/data\\""]}',
    refused('rejected'),
    error('rejected', false),
  ],
  [
    'an unsupported operation',
    405,
    '{"errors":["unsupported operation"]}',
    refused('rejected'),
    error('rejected', false),
  ],
  [
    'a node that lags behind',
    412,
    '{"errors":["required index state not present"]}',
    refused('unavailable'),
    error('unavailable', true),
  ],
  [
    'too many requests',
    429,
    '{"errors":["request path: rate limit quota exceeded"]}',
    refused('throttled'),
    error('throttled', true),
  ],
  ['a failure inside', 500, '{"errors":["internal error"]}', unknown('protocol'), error('protocol', true)],
  ['a sealed server', 503, '{"errors":["Vault is sealed"]}', refused('unavailable'), error('unavailable', true)],
  ['a balancer without a server', 502, '<html>Bad gateway</html>', unknown('protocol'), error('protocol', true)],
  ['JSON that was cut off', 200, '{"data":{"data":{"value":"canary', unknown('protocol'), error('protocol', true)],
  ['JSON that is not the server’s', 200, '[]', unknown('protocol'), error('protocol', true)],
]

for (const [name, status, body, put, get] of ANSWERS) {
  test(`${name} (${status}) is what it is to a put and a read, and no more`, async (t) => {
    const store = await answering(t, 2, status, body)
    assert.deepEqual(await store.put(WHERE, secret('x'), at('1'), call()), put)
    assert.deepEqual(await store.get(WHERE, call()), get)
    const { kind } = await store.scan('github', { after: null, limit: 5 }, call())
    assert.equal(kind, 'error')
    const any = await store.put(WHERE, secret('x'), ANY, call())
    assert.equal(any.kind, 'refused', 'its version could not be read, so nothing was sent')
  })
}

test('an empty answer of 404 is a secret that is not there, to both versions; a write may be answered without a body', async (t) => {
  for (const version of [1, 2] as const) {
    const store = await answering(t, version, 404, '{"errors":[]}')
    const outcome = await store.get(WHERE, call())
    assert.deepEqual(outcome.kind === 'absent' && outcome.deleted, false)
    assert.deepEqual(await store.scan('github', { after: null, limit: 5 }, call()), {
      kind: 'page',
      entries: [],
      next: null,
    })
  }
  const store = await answering(t, 1, 204, '')
  assert.deepEqual(await store.put(WHERE, secret('x'), ANY, call()), { kind: 'done', version: null, fence: null })
})

test('a mount that is gone, and one of the other version, are no empty store', options, async (t) => {
  const server = await bao.server()
  const config = await vaultKvConfig(t, server, { version: 2 })
  for (const wrong of [
    { ...config, mount: 'nowhere' },
    { ...config, version: 1 as const },
  ]) {
    const root = { ...wrong, auth: { kind: 'token', token_file: await secretFile(t, server.rootToken) } as const }
    const store = openVaultKvStore(root, deps('kv'))
    t.after(() => store.close())
    assert.deepEqual(await store.get(WHERE, call()), error('rejected', false))
    assert.equal((await store.scan('github', { after: null, limit: 5 }, call())).kind, 'error')
  }
})
