import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessFault } from '../../access/faults.ts'
import { EXITS, exitOfFault } from '../../bin/cli/exit-codes.ts'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient } from '../../bin/cli/secrets-client.ts'
import { type Fault, isFault } from '../../core/fault.ts'
import { flagsFault } from '../../flags/faults.ts'
import { migratorFault } from '../../migrator/faults.ts'
import { proxyFault } from '../../proxy/faults.ts'
import { httpFault } from '../../proxy/http/faults.ts'
import { problemOf } from '../../proxy/http/problem.ts'
import { serveStub } from './stub-server.ts'

const address = { integration: 'aws', customer: 'acmé', name: 'prod/clé d’accès/100%' }

const faultOf = async (work: Promise<unknown>): Promise<Fault> => {
  const error = await work.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(isFault(error), String(error))
  return error
}

const EXPECTED = [
  [httpFault('parameter-refused', 'd'), 'usage'],
  [accessFault('unauthenticated', 'd'), 'denied'],
  [accessFault('forbidden', 'd'), 'denied'],
  [flagsFault('lift-refused', 'd'), 'refused'],
  [migratorFault('run-active', 'd'), 'locked'],
  [proxyFault('secret-not-found', 'd'), 'error'],
  [proxyFault('precondition-failed', 'd'), 'error'],
  [proxyFault('store-refused', 'd'), 'unavailable'],
  [proxyFault('store-unavailable', 'd'), 'unavailable'],
  [proxyFault('outcome-unknown', 'd'), 'unavailable'],
] as const

test('a problem document of the server arrives as a fault with its code, advice and exit code', async (t) => {
  for (const [sent, exit] of EXPECTED) {
    const { url } = await serveStub(t, (app) => {
      app.all('*', (_request, reply) =>
        reply.code(sent.status).header('content-type', 'application/problem+json').send(problemOf(sent, 'id')),
      )
    })
    const fault = await faultOf(makeSecretsClient(makeSend({ url, token: 't' })).get(address))
    assert.deepEqual(
      [fault.code, fault.status, fault.title, fault.detail, fault.next],
      [sent.code, sent.status, sent.title, 'd', sent.next],
    )
    assert.equal(exitOfFault(fault), exit, sent.code)
  }
})

test('Retry-After arrives with the fault', async (t) => {
  const { url } = await serveStub(t, (app) => {
    app.all('*', (_request, reply) =>
      reply
        .code(503)
        .header('retry-after', '3')
        .send(problemOf(proxyFault('store-unavailable', 'd'), 'id')),
    )
  })
  const fault = await faultOf(makeOpsClient(makeSend({ url, token: 't' })).call('caps', {}))
  assert.equal(fault.retryAfter, 3)
})

test('an answer that is not ours is told as such, whatever its status', async (t) => {
  const { url } = await serveStub(t, (app) => {
    app.get('/api/v1/ops/caps', () => ({ caps: 'none' }))
    app.get('/api/v1/ops/status', (_request, reply) => reply.code(502).type('text/html').send('<h1>Bad Gateway</h1>'))
    app.get('/api/v1/ops/events', (_request, reply) => reply.redirect('http://127.0.0.1:1/'))
  })
  const ops = makeOpsClient(makeSend({ url, token: 't' }))
  for (const name of ['caps', 'status', 'events'] as const) {
    assert.equal((await faultOf(ops.call(name, {}))).code, 'answer-not-understood', name)
  }
})

test('a server that is not there is unreachable', async () => {
  const fault = await faultOf(makeOpsClient(makeSend({ url: 'http://127.0.0.1:1', token: 't' })).call('caps', {}))
  assert.equal(fault.code, 'server-unreachable')
  assert.equal(EXITS[exitOfFault(fault)].code, 6)
})

test('values, content type, metadata, ETag and preconditions travel unchanged, names percent-encoded', async (t) => {
  const value = Buffer.from([0, 255, 10, 13])
  const seen: { url: string; headers: Record<string, unknown>; body: unknown }[] = []
  const { url } = await serveStub(t, (app) => {
    app.put('*', (request, reply) => {
      seen.push({ url: request.url, headers: request.headers, body: request.body })
      return reply.code(204).header('etag', '"e1"').header('crossfade-served-by', 'legacy').send()
    })
    app.get('*', (_request, reply) =>
      reply
        .headers({ etag: '"e1"', 'crossfade-meta-who': 'Zo%C3%AB', 'crossfade-phase': 'off', 'content-type': 'a/b' })
        .send(value),
    )
  })
  const secrets = makeSecretsClient(makeSend({ url, token: 'word' }))
  const written = await secrets.put(address, value, { contentType: null, metadata: { who: 'Zoë' }, ifMatch: '"e0"' })
  assert.deepEqual(written, { etag: '"e1"', served_by: 'legacy', phase: null, fallback: null })
  assert.equal(seen[0]?.url, '/api/v1/secrets/aws/acm%C3%A9/prod/cl%C3%A9%20d%E2%80%99acc%C3%A8s/100%25')
  assert.deepEqual(seen[0]?.body, value)
  const { authorization, 'if-match': ifMatch, 'content-type': type, 'crossfade-meta-who': who } = seen[0]?.headers ?? {}
  assert.deepEqual([authorization, ifMatch, type, who], ['Bearer word', '"e0"', undefined, 'Zo%C3%AB'])
  const found = await secrets.get(address)
  assert.deepEqual(Buffer.from(found.value), value)
  assert.deepEqual([found.contentType, found.metadata, found.etag, found.phase], ['a/b', { who: 'Zoë' }, '"e1"', 'off'])
})

test('parameters of the operators API are one encoded segment each, and what is left out is not sent', async (t) => {
  const seen: string[] = []
  const { url } = await serveStub(t, (app) => {
    app.get('*', (request, reply) => {
      seen.push(request.url)
      return reply.code(404).send(problemOf(httpFault('no-such-route', 'd'), 'id'))
    })
  })
  const ops = makeOpsClient(makeSend({ url, token: 't' }))
  await faultOf(ops.call('explain', { params: { integration: 'aws', customer: 'a/b c' } }))
  await faultOf(ops.call('events', { query: { selector: 'owner=x', after: undefined } }))
  assert.deepEqual(seen, ['/api/v1/ops/explain/aws/a%2Fb%20c', '/api/v1/ops/events?selector=owner%3Dx'])
})
