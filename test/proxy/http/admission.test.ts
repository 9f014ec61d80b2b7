import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { test } from 'node:test'
import { problem, withClients } from './with-clients.ts'

const PATH = '/api/v1/secrets/aws/c1/top/secret-name'

test('no token, a wrong one and a wrong role are told apart, and nothing is done', async (t) => {
  const { ask, secrets, audited, tokenOf } = await withClients(t)
  const none = await ask({ path: PATH, token: null })
  assert.equal(none.status, 401)
  assert.match(String(none.headers['www-authenticate']), /^Bearer/)
  assert.equal((await ask({ path: PATH, token: 'crossfade_wrong' })).status, 401)
  for (const role of ['viewer', 'operator'] as const)
    assert.equal((await ask({ path: PATH, token: tokenOf(role) })).status, 403)
  assert.deepEqual(secrets.seen, [])
  assert.deepEqual(audited, [])
})

test('a bound token serves its integration and customer only, judged on the canonical path', async (t) => {
  const { ask, tokenOf } = await withClients(t)
  const status = async (path: string) =>
    (await ask({ path: `/api/v1/secrets/${path}`, token: tokenOf('bound') })).status
  assert.equal(await status('aws/c1/n'), 404)
  assert.equal(await status('aws/%631/n'), 404)
  assert.equal(await status('aws/c2/n'), 403)
  assert.equal(await status('github/c1/n'), 403)
  assert.equal(await status('aws/c1/..%2Fc2/n'), 400)
  assert.equal(await status('aws/c1/%2e%2e/c2/n'), 400)
})

test('the same address is audited before it is carried out', async (t) => {
  const { ask, secrets, audited } = await withClients(t)
  await ask({ method: 'PUT', path: '/api/v1/secrets/aws/c%201/a/%C3%BC', body: 'x' })
  assert.deepEqual(secrets.seen, [{ integration: 'aws', customer: 'c 1', name: 'a/ü' }])
  const { actor, role, operation, integration, customer, name } = audited[0] ?? {}
  assert.deepEqual(
    { actor, role, operation, integration, customer, name },
    {
      actor: 'worker',
      role: 'client',
      operation: 'secrets.put',
      integration: 'aws',
      customer: 'c 1',
      name: 'a/ü',
    },
  )
})

test('I10: without an audit record there is no operation', async (t) => {
  const { ask, secrets, failAudit } = await withClients(t)
  failAudit()
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await ask({ method, path: PATH })
    assert.equal(problem(answer)['code'], 'audit-unavailable')
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['retry-after'], '1')
  }
  assert.deepEqual(secrets.seen, [])
})

test('requests are counted by operation, phase and outcome, and those of each integration; names and tokens are not logged', async (t) => {
  const { ask, registry, lines, tokenOf, app } = await withClients(t)
  await ask({ method: 'PUT', path: PATH, body: 'the-value' })
  await ask({ path: PATH })
  await ask({ path: '/api/v1/secrets/aws/c1/other' })
  await ask({ path: '/api/v1/secrets/made-up/c1/other' })
  await app.close()
  const metrics = await registry.metrics()
  const sample = (operation: string, phase: string, outcome: string) =>
    `crossfade_requests_total{operation="${operation}",phase="${phase}",outcome="${outcome}"} 1`
  assert.ok(metrics.includes(sample('put', 'dualwrite', 'ok')), metrics)
  assert.ok(metrics.includes(sample('get', 'dualwrite', 'ok')))
  assert.ok(metrics.includes(sample('get', 'dualwrite', 'not_found')))
  assert.ok(metrics.includes(sample('none', 'none', 'not_found')))
  assert.match(metrics, /crossfade_integration_requests_total\{integration="aws",operation="get",outcome="ok"\} 2/)
  const everything = JSON.stringify(lines) + metrics
  for (const hidden of ['secret-name', 'the-value', 'made-up', tokenOf('client')])
    assert.equal(everything.includes(hidden), false, hidden)
  assert.equal(lines.length, 4)
})

test('close waits for what is in flight and ends kept connections with it', async (t) => {
  const { app, port, tokenOf, secrets } = await withClients(t)
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const write = secrets.write
  let closed: Promise<unknown> = Promise.resolve()
  secrets.write = (...args) => {
    closed = app.close()
    return new Promise((resolve) => setImmediate(() => resolve(write(...args))))
  }
  const connection = await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${tokenOf('client')}` }
    const sent = request({ host: '127.0.0.1', port, path: PATH, method: 'PUT', agent, headers }, (response) => {
      response.resume().on('end', () => resolve([response.statusCode, response.headers.connection]))
    })
    sent.on('error', reject).end('x')
  })
  assert.deepEqual(connection, [204, 'close'])
  await closed
})
