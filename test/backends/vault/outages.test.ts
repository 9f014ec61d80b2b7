import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startRelay } from '../../chaos/relay.ts'
import { type Bao, useBao } from '../../support/bao.ts'
import { call } from '../checks/check.ts'
import { inShort, openClient, tokenAuth } from './with-client.ts'

const bao = useBao()

/** A client that reaches the real server through a relay, logged in, and a mount of its own. */
async function open(t: TestContext) {
  const server = await bao.server()
  const relay = await startRelay(server.port)
  t.after(() => relay.close())
  const mount = await server.mount('kv', { version: '1' })
  const auth = await tokenAuth(t, server.rootToken)
  const { client, count } = openClient(t, { address: `http://127.0.0.1:${relay.port}`, auth })
  const write = async (value: string, limits = call()): Promise<string> => {
    const body = JSON.stringify({ value })
    return inShort(await client.request({ method: 'POST', path: [mount, 'x'], body }, limits))
  }
  assert.equal(await write('first'), 'answer 204')
  return { server, relay, client, count, write, mount }
}
const heldBy = async (server: Bao, mount: string): Promise<unknown> => (await server.ask('GET', `${mount}/x`))['value']

/** Until the server holds it. */
async function untilHeld(server: Bao, mount: string, value: string): Promise<void> {
  while ((await heldBy(server, mount)) !== value) await new Promise((resolve) => setImmediate(resolve))
}

test('a connection that is cut in the middle of the answer is unknown, and the write has landed', {
  skip: bao.skip,
}, async (t) => {
  const { server, relay, write, mount } = await open(t)
  relay.set({ kind: 'cut' })
  assert.equal(await write('cut'), 'unknown connection-lost')
  assert.equal(await heldBy(server, mount), 'cut')
  relay.set({ kind: 'pass' })
  assert.equal(await write('after'), 'answer 204')
})

test('a server that cannot be reached is refused, and nothing lands later', { skip: bao.skip }, async (t) => {
  const { server, relay, write, mount } = await open(t)
  relay.set({ kind: 'refuse' })
  // An idle connection may be found broken as it is used, and then nobody can tell; a new one cannot be made.
  assert.match(await write('lost'), /^refused unavailable$|^unknown connection-lost$/)
  assert.match(await write('lost'), /^refused unavailable$|^unknown connection-lost$/)
  assert.equal(await heldBy(server, mount), 'first')
  relay.set({ kind: 'pass' })
  assert.equal(await write('after'), 'answer 204')
})

test('what was sent to a server that hangs is unknown when it is given up, and may land when it goes on', {
  skip: bao.skip,
}, async (t) => {
  const { server, relay, write, mount } = await open(t)
  relay.set({ kind: 'hang' })
  assert.equal(await write('late', call(1_000)), 'unknown timeout')
  relay.set({ kind: 'pass' })
  assert.equal(await write('after'), 'answer 204')
  assert.match(String(await heldBy(server, mount)), /^after$|^late$/)
})

test('a slow server is waited for', { skip: bao.skip }, async (t) => {
  const { relay, write, server, mount } = await open(t)
  relay.set({ kind: 'late', delay: 150 })
  assert.equal(await write('slow'), 'answer 204')
  await untilHeld(server, mount, 'slow')
})

test('a server that is sealed refuses for certain, and serves again when it is unsealed', {
  skip: bao.skip,
}, async (t) => {
  const { server, write, client, mount } = await open(t)
  await server.seal()
  assert.equal(await write('sealed'), 'refused unavailable')
  const other = openClient(t, { address: server.url, auth: await tokenAuth(t, server.rootToken) })
  const [problem] = await other.client.check(call())
  assert.match(problem?.message ?? '', /^no login: 503: the server is sealed, or has no active node$/)
  await server.unseal()
  while (inShort(await client.request({ method: 'GET', path: [mount, 'x'] }, call())) !== 'answer 200');
  assert.equal(await heldBy(server, mount), 'first')
  assert.equal(await write('after'), 'answer 204')
})

test('connections are kept: many requests, few handshakes, never more than configured', {
  skip: bao.skip,
}, async (t) => {
  const server = await bao.server()
  const auth = await tokenAuth(t, server.rootToken)
  const { client, count } = openClient(t, { address: server.url, max_connections: 3, auth })
  for (let round = 0; round < 5; round += 1) {
    const asked = Array.from({ length: 20 }, () => client.request({ method: 'GET', path: ['sys', 'mounts'] }, call()))
    assert.ok((await Promise.all(asked)).every((outcome) => inShort(outcome) === 'answer 200'))
  }
  assert.ok((await count('crossfade_vault_connects_total')) <= 3)
  assert.equal(await count('crossfade_vault_requests_total', { outcome: '200' }), 101)
})
