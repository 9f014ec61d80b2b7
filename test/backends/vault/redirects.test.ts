import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VaultClient } from '../../../backends/vault/client.ts'
import { freePort } from '../../../bin/embedded/free-port.ts'
import { call } from '../checks/check.ts'
import { answer, faultyServer, type Handler } from './faulty-server.ts'
import { inShort, openClient, tokenAuth } from './with-client.ts'

const write = (client: VaultClient) => client.request({ method: 'PUT', path: ['kv', 'x'], body: '{"a":1}' }, call())
const redirectTo = (location: string, status = 307): Handler => answer(status, '', { location })

test('a redirect to a configured address is followed with method, body and token, and remembered', async (t) => {
  const active = await faultyServer(t)
  const standby = await faultyServer(t, redirectTo(`${active.url}/v1/kv/x`))
  const { client, count } = openClient(t, {
    address: standby.url,
    addresses: [active.url],
    auth: await tokenAuth(t),
  })
  assert.equal(inShort(await write(client)), 'answer 204')
  assert.deepEqual(active.received, [{ method: 'PUT', target: '/v1/kv/x', token: 'a-token', body: '{"a":1}' }])
  assert.equal(inShort(await write(client)), 'answer 204')
  assert.deepEqual([standby.received.length, active.received.length], [1, 2])
  assert.equal(await count('crossfade_vault_redirects_total', { outcome: 'followed' }), 1)
})

test('a redirect to any other address is refused; it gets no connection and no token', async (t) => {
  const stranger = await faultyServer(t)
  const standby = await faultyServer(t, redirectTo(`${stranger.url}/v1/kv/x`))
  const { client, count } = openClient(t, { address: standby.url, auth: await tokenAuth(t) })
  assert.equal(inShort(await write(client)), 'refused unavailable')
  assert.equal(stranger.connections(), 0)
  assert.equal(await count('crossfade_vault_redirects_total', { outcome: 'refused' }), 1)
})

test('a redirect is sent the path that was asked for, whatever path it names', async (t) => {
  const active = await faultyServer(t)
  const standby = await faultyServer(t, redirectTo(`${active.url}/v1/kv/of-somebody-else`))
  const { client } = openClient(t, { address: standby.url, addresses: [active.url], auth: await tokenAuth(t) })
  await write(client)
  assert.equal(active.received[0]?.target, '/v1/kv/x')
})

const ELSEWHERE: Readonly<Record<string, Handler>> = {
  'to another path of the same server': redirectTo('/v1/kv/y'),
  'without a location': answer(307),
  'to what is no address': redirectTo('http://['),
}
for (const [what, handler] of Object.entries(ELSEWHERE)) {
  test(`a redirect ${what} is refused, and the request is not sent again`, async (t) => {
    const server = await faultyServer(t, handler)
    const { client } = openClient(t, { address: server.url, auth: await tokenAuth(t) })
    assert.match(inShort(await write(client)), /^refused/)
    assert.equal(server.received.length, 1)
  })
}

test('a redirect that may change the method is refused', async (t) => {
  const active = await faultyServer(t)
  const standby = await faultyServer(t, redirectTo(`${active.url}/v1/kv/x`, 302))
  const { client } = openClient(t, { address: standby.url, addresses: [active.url], auth: await tokenAuth(t) })
  assert.match(inShort(await write(client)), /^refused/)
  assert.equal(active.received.length, 0)
})

test('nodes that redirect to each other are given up', async (t) => {
  const one = await faultyServer(t)
  const other = await faultyServer(t, redirectTo(`${one.url}/v1/kv/x`))
  one.handle(redirectTo(`${other.url}/v1/kv/x`))
  const { client } = openClient(t, { address: one.url, addresses: [other.url], auth: await tokenAuth(t) })
  assert.equal(inShort(await write(client)), 'refused unavailable')
})

test('a node that is not there, or sealed, is passed over for one that is', async (t) => {
  const sealed = await faultyServer(t, answer(503, '{"errors":["Vault is sealed"]}'))
  const active = await faultyServer(t)
  const { client } = openClient(t, {
    address: `http://127.0.0.1:${await freePort()}`,
    addresses: [sealed.url, active.url],
    auth: await tokenAuth(t),
  })
  assert.equal(inShort(await write(client)), 'answer 204')
  assert.equal(inShort(await write(client)), 'answer 204')
  assert.deepEqual([sealed.received.length, active.received.length], [1, 2])
})

test('a node that is silent costs the call that met it, and the next begins with another node', async (t) => {
  const left = new AbortController()
  const silent = await faultyServer(t, () => left.abort())
  const active = await faultyServer(t)
  const { client } = openClient(t, { address: silent.url, addresses: [active.url], auth: await tokenAuth(t) })
  const request = { method: 'PUT', path: ['kv', 'x'], body: '{}' } as const
  assert.equal(inShort(await client.request(request, { ...call(), signal: left.signal })), 'unknown timeout')
  assert.equal(active.received.length, 0)
  assert.equal(inShort(await write(client)), 'answer 204')
  assert.deepEqual([silent.received.length, active.received.length], [1, 1])
})

test('a write that one node has got is not sent to another', async (t) => {
  const one = await faultyServer(t, answer(500, '{"errors":["internal error"]}'))
  const other = await faultyServer(t)
  const { client } = openClient(t, { address: one.url, addresses: [other.url], auth: await tokenAuth(t) })
  assert.equal(inShort(await write(client)), 'unknown protocol')
  assert.equal(other.received.length, 0)
})
