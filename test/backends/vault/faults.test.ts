import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { VaultClient } from '../../../backends/vault/client.ts'
import { freePort } from '../../../bin/embedded/free-port.ts'
import { call } from '../checks/check.ts'
import { answer, faultyServer, type Handler, raw, reset } from './faulty-server.ts'
import { inShort, openClient, tokenAuth } from './with-client.ts'

const write = (client: VaultClient, signal?: AbortSignal) =>
  client.request({ method: 'POST', path: ['kv', 'x'], body: '{}' }, { ...call(), ...(signal && { signal }) })

const FAULTS: Readonly<Record<string, readonly [Handler, string]>> = {
  'a reset before the answer': [reset, 'unknown connection-lost'],
  'an end in the middle of the answer': [
    raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":'),
    'unknown connection-lost',
  ],
  'an end in the middle of a chunk': [
    raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20\r\n{"data"'),
    'unknown connection-lost',
  ],
  'what is not HTTP': [raw('SSH-2.0-OpenSSH_9.6\r\n'), 'unknown protocol'],
  'a chunk that is none': [
    raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n'),
    'unknown protocol',
  ],
  'JSON that is none': [answer(200, '{"data":'), 'answer 200'],
  'a refusal of its own': [answer(400, '{"errors":["check-and-set parameter did not match"]}'), 'answer 400'],
  'nothing there': [answer(404, '{"errors":[]}'), 'answer 404'],
  'too many requests, for longer than it has': [
    answer(429, '{"errors":["request path exceeded quota"]}', { 'retry-after': '60' }),
    'refused throttled',
  ],
  'an error of its own': [answer(500, '{"errors":["internal error"]}'), 'unknown protocol'],
  'a gateway that had no answer': [answer(502, '<html>'), 'unknown protocol'],
  'a seal': [answer(503, '{"errors":["Vault is sealed"]}'), 'refused unavailable'],
  'no active node': [answer(503, '{"errors":["no active Vault instance found"]}'), 'refused unavailable'],
  'a balancer that may have passed it on': [answer(503, '<html>sealed by design</html>'), 'unknown protocol'],
  'a denial': [answer(403, '{"errors":["permission denied"]}'), 'refused denied'],
}

for (const [fault, [handler, expected]] of Object.entries(FAULTS)) {
  test(`a write that meets ${fault} is: ${expected}`, async (t) => {
    const server = await faultyServer(t, handler)
    const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) })
    assert.equal(inShort(await write(client)), expected)
    assert.equal(server.received.length, 1)
    // Whatever it was, the next one is served.
    server.handle(answer(204))
    assert.equal(inShort(await write(client)), 'answer 204')
  })
}

test('nobody listens: refused, and it was never sent', async (t) => {
  const { client } = openClient(t, { address: `http://127.0.0.1:${await freePort()}`, auth: await tokenAuth(t) })
  assert.equal(inShort(await write(client)), 'refused unavailable')
  const [problem] = await client.check(call())
  assert.match(problem?.message ?? '', /ECONNREFUSED: nobody listens there/)
})

test('a write that is given up while the server is silent is unknown, and the server has it once', async (t) => {
  const left = new AbortController()
  const server = await faultyServer(t, () => left.abort())
  const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) })
  assert.equal(inShort(await write(client, left.signal)), 'unknown timeout')
  assert.equal(server.received.length, 1)
})

test('a deadline that passes while the server is silent ends the wait', async (t) => {
  const server = await faultyServer(t, () => {})
  const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) })
  assert.equal((await client.check(call())).length, 0)
  const outcome = await client.request({ method: 'GET', path: ['kv', 'x'] }, call(300))
  assert.match(inShort(outcome), /^unknown timeout$|^refused unavailable$/)
  assert.equal(
    inShort(await client.request({ method: 'GET', path: ['kv', 'x'] }, { deadline: performance.now() })),
    'refused late',
  )
})

test('what waits for a connection and is given up was never sent, and disturbs nobody', async (t) => {
  const { promise: answered, resolve: release } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const server = await faultyServer(t, (request, response) => {
    arrive()
    void answered.then(() => answer(204)(request, response))
  })
  const { client } = openClient(t, { address: server.url, max_connections: 1, auth: await tokenAuth(t) })
  const first = write(client)
  await arrived
  const left = new AbortController()
  const second = write(client, left.signal)
  left.abort()
  assert.equal(inShort(await second), 'refused unavailable')
  release()
  assert.equal(inShort(await first), 'answer 204')
  assert.equal(inShort(await write(client)), 'answer 204')
  assert.equal(server.received.length, 2)
  assert.equal(server.connections(), 1)
})

test('a path is sent byte for byte', async (t) => {
  const server = await faultyServer(t)
  const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) })
  const path = ['kv', 'é b', '%2e%2e', 'a?b#c', '..a']
  await client.request({ method: 'GET', path, query: { list: 'true' } }, call())
  assert.equal(server.received[0]?.target, '/v1/kv/%C3%A9%20b/%252e%252e/a%3Fb%23c/..a?list=true')
})

test('an answer that would not end is cut', async (t) => {
  const chunk = Buffer.alloc(1024 * 1024)
  const server = await faultyServer(t, (_, response) => {
    response.writeHead(200)
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    more()
  })
  const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) })
  assert.equal(inShort(await client.request({ method: 'GET', path: ['kv', 'x'] }, call(60_000))), 'unknown protocol')
})

test('a server that takes connections and closes them at once never had the request', async (t) => {
  const port = await listenAndClose(t)
  const { client } = openClient(t, { address: `https://127.0.0.1:${port}`, auth: await tokenAuth(t) })
  assert.equal(inShort(await write(client)), 'refused unavailable')
})

async function listenAndClose(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}
