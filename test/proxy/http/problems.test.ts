import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ACCESS_FAULTS } from '../../../access/faults.ts'
import { Fault, type FaultTable } from '../../../core/fault.ts'
import { LEDGER_FAULTS } from '../../../ledger/faults.ts'
import { PROXY_FAULTS } from '../../../proxy/faults.ts'
import { HTTP_FAULTS } from '../../../proxy/http/faults.ts'
import { problem, withClients } from './with-clients.ts'

const PATH = '/api/v1/secrets/aws/c1/key'
const TABLES: FaultTable = { ...PROXY_FAULTS, ...HTTP_FAULTS, ...ACCESS_FAULTS, ...LEDGER_FAULTS }

test('every fault is a problem document with its status, code, next step and request id', async (t) => {
  const { ask, secrets } = await withClients(t)
  for (const [code, spec] of Object.entries(TABLES)) {
    secrets.fail(new Fault(code, spec, 'why', { retryAfter: 1.2 }))
    const answer = await ask({ path: PATH })
    assert.equal(answer.status, spec.status, code)
    assert.equal(answer.headers['content-type'], 'application/problem+json')
    assert.equal(answer.headers['retry-after'], '2')
    assert.deepEqual(problem(answer), {
      type: `docs/errors.md#${code}`,
      title: spec.title,
      status: spec.status,
      detail: 'why',
      code,
      next: spec.next,
      instance: `urn:uuid:${answer.headers['crossfade-request-id']}`,
    })
    assert.equal(answer.headers['crossfade-phase'], 'shadow')
  }
})

test('an unexpected error is internal: its message is neither answered nor logged', async (t) => {
  const { ask, secrets, lines } = await withClients(t)
  secrets.fail(new Error('value was hunter2'))
  const answer = await ask({ path: PATH })
  assert.equal(answer.status, 500)
  assert.equal(problem(answer)['code'], 'internal')
  assert.equal(answer.body.includes('hunter2'), false)
  assert.equal(JSON.stringify(lines).includes('hunter2'), false)
  assert.equal(lines.filter(({ message }) => message === 'unexpected error').length, 1)
})

test('unknown paths, methods and integrations have their codes', async (t) => {
  const { ask } = await withClients(t)
  const code = async (method: string, path: string) => {
    const answer = await ask({ method, path })
    return [answer.status, problem(answer)['code'], answer.headers.allow]
  }
  assert.deepEqual(await code('GET', '/nothing'), [404, 'no-such-route', undefined])
  assert.deepEqual(await code('POST', PATH), [405, 'method-not-allowed', 'GET, HEAD, PUT, DELETE'])
  assert.deepEqual(await code('PUT', '/api/v1/secrets/aws/c1'), [405, 'method-not-allowed', 'GET, HEAD'])
  assert.deepEqual(await code('POST', '/api/v1/secrets/aws/c1'), [405, 'method-not-allowed', 'GET, HEAD'])
  assert.deepEqual(await code('GET', '/api/v1/secrets/gone/c1/n'), [404, 'unknown-integration', undefined])
  assert.deepEqual(await code('GET', '/api/v1/secrets/aws/c1/%ff'), [400, 'path-refused', undefined])
  assert.deepEqual(await code('GET', '/api/v1/secrets/aws/c1/a%2Fb'), [400, 'path-refused', undefined])
  assert.deepEqual(await code('GET', '/api/v1/secrets/aws/c1/%2e%2e/n'), [400, 'path-refused', undefined])
})

test('what is not HTTP gets a problem document too', async (t) => {
  const { port } = await withClients(t)
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('LIST /v1/x HTTP/1.1\r\nhost: x\r\n\r\n'))
    let all = ''
    socket.on('data', (chunk) => {
      all += chunk
    })
    socket.on('end', () => resolve(all))
    socket.on('error', reject)
  })
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.match(text, /"code":"request-malformed"/)
})
