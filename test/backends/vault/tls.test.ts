import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { isFault } from '../../../core/fault.ts'
import { type Certified, makeAuthority } from '../../support/certificates.ts'
import { call } from '../checks/check.ts'
import { secretFile } from '../subjects.ts'
import { inShort, openClient, tokenAuth } from './with-client.ts'

const internal = makeAuthority('internal authority')
const stranger = makeAuthority('another authority')

interface TlsServer {
  readonly url: string
  /** Names of the clients whose certificates were seen, one a request. */
  readonly clients: readonly string[]
  /** Makes every connection end after its answer. */
  end(): void
}

/** Answers every request well. */
async function tlsServer(
  t: TestContext,
  own: Certified,
  options: { readonly clientCa?: string } = {},
): Promise<TlsServer> {
  const clients: string[] = []
  let keep = true
  const more =
    options.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: options.clientCa }
  const server = createServer({ ...own, ...more }, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate()
    clients.push(String(subject?.CN ?? 'nobody'))
    if (!keep) response.setHeader('connection', 'close')
    response.end('{"data":{"ttl":0,"renewable":false}}')
  }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clients,
    end: () => {
      keep = false
    },
  }
}

async function open(t: TestContext, url: string, more: object) {
  const { client } = openClient(t, { address: url, auth: await tokenAuth(t), ...more })
  const read = async (): Promise<string> => inShort(await client.request({ method: 'GET', path: ['kv', 'x'] }, call()))
  const problem = async (): Promise<string> => (await client.check(call()))[0]?.message ?? ''
  return { client, read, problem }
}

test('a server of the internal authority is trusted where that is named, and only there', async (t) => {
  const { url } = await tlsServer(t, internal.issue('127.0.0.1'))
  const named = await open(t, url, { ca_file: await secretFile(t, internal.cert) })
  assert.equal(await named.read(), 'answer 200')
  for (const more of [{}, { ca_file: await secretFile(t, stranger.cert) }]) {
    const { read, problem } = await open(t, url, more)
    assert.equal(await read(), 'refused unavailable')
    assert.match(await problem(), /its certificate is of an authority that is not trusted: name it with ca_file/)
  }
})

test('a certificate for another name is refused, unless that name is the one that is expected', async (t) => {
  const { url } = await tlsServer(t, internal.issue('vault.internal'))
  const ca_file = await secretFile(t, internal.cert)
  const { read, problem } = await open(t, url, { ca_file })
  assert.equal(await read(), 'refused unavailable')
  assert.match(await problem(), /its certificate is for another name: see server_name/)
  const named = await open(t, url, { ca_file, server_name: 'vault.internal' })
  assert.equal(await named.read(), 'answer 200')
})

test('a client certificate is shown where one is configured; without it the server takes nothing', async (t) => {
  const own = internal.issue('crossfade')
  const server = await tlsServer(t, internal.issue('127.0.0.1'), { clientCa: internal.cert })
  const ca_file = await secretFile(t, internal.cert)
  const files = { client_cert_file: await secretFile(t, own.cert), client_key_file: await secretFile(t, own.key) }
  const { read } = await open(t, server.url, { ca_file, ...files })
  assert.equal(await read(), 'answer 200')
  assert.deepEqual(new Set(server.clients), new Set(['crossfade']))
  const bare = await open(t, server.url, { ca_file })
  assert.match(await bare.read(), /^refused unavailable$|^unknown connection-lost$/)
  assert.deepEqual(new Set(server.clients), new Set(['crossfade']))
})

test('a client certificate that is renewed in its file is shown by the next connection, without a restart', async (t) => {
  const [first, second] = [internal.issue('first'), internal.issue('second')]
  const server = await tlsServer(t, internal.issue('127.0.0.1'), { clientCa: internal.cert })
  server.end()
  const files = { client_cert_file: await secretFile(t, first.cert), client_key_file: await secretFile(t, first.key) }
  const { read } = await open(t, server.url, { ca_file: await secretFile(t, internal.cert), ...files })
  assert.equal(await read(), 'answer 200')
  await writeFile(files.client_cert_file, second.cert)
  await writeFile(files.client_key_file, second.key)
  assert.equal(await read(), 'answer 200')
  assert.deepEqual(server.clients, ['first', 'first', 'second'])
})

test('a certificate file that cannot be read is said at once, by its name', async (t) => {
  const auth = await tokenAuth(t)
  assert.throws(
    () => openClient(t, { address: 'https://127.0.0.1:1', ca_file: '/nowhere/ca.pem', auth }),
    (error) => isFault(error) && error.code === 'store-file-unreadable' && error.detail === '/nowhere/ca.pem: ENOENT',
  )
})

test('http where https is spoken logs nobody in, so the request is never sent', async (t) => {
  const { url } = await tlsServer(t, internal.issue('127.0.0.1'))
  const { read } = await open(t, url.replace('https', 'http'), {})
  assert.equal(await read(), 'refused unavailable')
})
