import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { makeDrivenClock } from '../../access/driven-clock.ts'
import { useBao } from '../../support/bao.ts'
import { makeAuthority } from '../../support/certificates.ts'
import { secretFile } from '../subjects.ts'
import { inShort, openClient } from './with-client.ts'

const bao = useBao()
const cluster = makeAuthority('cluster')

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token of a service account, as a cluster projects it into a pod. */
function serviceAccountToken(account: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'https://kubernetes.default.svc',
    sub: `system:serviceaccount:apps:${account}`,
    iat: now,
    nbf: now,
    exp: now + 3_600,
    'kubernetes.io': { namespace: 'apps', serviceaccount: { name: account, uid: `uid of ${account}` } },
  }
  const signed = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}

/** The one part of a cluster that the method asks: whose token is this? Knows those that it is given. */
async function tokenReviews(t: TestContext, accounts: ReadonlyMap<string, string>): Promise<string> {
  const server = createServer(cluster.issue('127.0.0.1'), async (request, response) => {
    const { spec } = (await json(request)) as { spec: { token: string } }
    const account = accounts.get(spec.token)
    const user = { username: `system:serviceaccount:apps:${account}`, uid: `uid of ${account}`, groups: [] }
    const status = account === undefined ? { authenticated: false, error: 'unknown' } : { authenticated: true, user }
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a pod logs in with the token of its service account, which is read anew at every login', {
  skip: bao.skip,
}, async (t) => {
  const server = await bao.server()
  const [first, second, unknown] = ['crossfade', 'crossfade', 'crossfade'].map(serviceAccountToken) as [
    string,
    string,
    string,
  ]
  const kubernetes_host = await tokenReviews(t, new Map([first, second].map((token) => [token, 'crossfade'])))
  const mount = await server.enableAuth('kubernetes')
  const kv = await server.mount('kv', { version: '1' })
  const policy = `path "${kv}/*" { capabilities = ["create", "update"] }`
  await server.ask('POST', `sys/policies/acl/${mount}`, { policy })
  await server.ask('POST', `auth/${mount}/config`, {
    kubernetes_host,
    kubernetes_ca_cert: cluster.cert,
    disable_local_ca_jwt: true,
  })
  await server.ask('POST', `auth/${mount}/role/app`, {
    bound_service_account_names: ['crossfade'],
    bound_service_account_namespaces: ['apps'],
    token_policies: [mount],
    token_ttl: '1h',
    token_type: 'batch',
  })
  const jwt_file = await secretFile(t, unknown)
  const clock = makeDrivenClock()
  const auth = { kind: 'kubernetes', role: 'app', mount, jwt_file }
  const { client, count } = openClient(t, { address: server.url, auth }, clock)
  const write = async (): Promise<string> => {
    const limits = { deadline: clock.monotonic() + 10_000 }
    return inShort(await client.request({ method: 'POST', path: [kv, 'x'], body: '{"a":"b"}' }, limits))
  }
  assert.equal(await write(), 'refused denied')
  await writeFile(jwt_file, first)
  await clock.advance(250)
  assert.equal(await write(), 'answer 204')
  await writeFile(jwt_file, second)
  // A batch token is not renewed, so this one has ended.
  await clock.advance(3_600_000)
  assert.equal(await write(), 'answer 204')
  assert.equal(await count('crossfade_vault_logins_total', { step: 'login', outcome: 'granted' }), 2)
})
