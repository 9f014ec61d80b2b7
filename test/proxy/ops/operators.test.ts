import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPS_PREFIX, OPS_ROUTES, type OpsName } from '../../../proxy/ops/api.ts'
import { withOperators } from './with-operators.ts'

const BODIES: Readonly<Partial<Record<OpsName, object>>> = {
  setFlags: { selector: 'aws', phase: 'live', reason: 'go' },
  acceptFlags: {},
  rollback: { selector: 'aws' },
  lift: { selector: 'aws' },
  forceGate: { selector: 'aws', phase: 'live', execute: true, reason: 'go' },
  migrate: { integration: 'aws' },
  setPace: { selector: 'aws', rate: 50 },
  finalize: { integration: 'aws' },
  abandon: { integration: 'aws' },
  accept: { integration: 'aws' },
  retry: { selector: 'aws' },
  verify: { integration: 'aws' },
  reverse: { integration: 'aws' },
  changeRuns: { selector: 'aws', change: 'pause' },
  forgetReplica: { name: 'host:8700' },
  renameIntegration: { integration: 'aws', to: 'amazon' },
  changeKeys: { change: 'rotate' },
  rewrapKeys: {},
}
const names = Object.keys(OPS_ROUTES) as OpsName[]
const requestOf = (name: OpsName) => {
  const { method, path } = OPS_ROUTES[name]
  const body = BODIES[name]
  return {
    method,
    path:
      OPS_PREFIX + path.replace('{integration}', 'aws').replace('{customer}', 'c%2F1').replace('{store}', 'vaulted'),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
}

test('every row of the table is served, and answers what its schema says', async (t) => {
  const { call } = await withOperators(t)
  for (const name of names) {
    const { status, text } = await call(requestOf(name))
    if (name === 'lift') continue
    assert.equal(status, 200, `${name}: ${text}`)
    OPS_ROUTES[name].answer.parse(JSON.parse(text))
  }
})

test('a viewer may look and change nothing, a client not even look, and nobody without a token', async (t) => {
  const { call, asked, tokenOf } = await withOperators(t)
  for (const name of names) {
    const looks = OPS_ROUTES[name].role === 'viewer'
    assert.equal((await call({ ...requestOf(name), token: tokenOf('client') })).status, 403, name)
    assert.equal((await call({ ...requestOf(name), token: null })).status, 401, name)
    assert.equal((await call({ ...requestOf(name), token: tokenOf('viewer') })).status, looks ? 200 : 403, name)
  }
  assert.equal(
    asked.some(({ by }) => by !== undefined),
    false,
  )
})

test('a token bound to one integration changes that one, and never all', async (t) => {
  const { call, tokenOf } = await withOperators(t)
  const rollback = async (selector: string) => {
    const body = JSON.stringify({ selector })
    return (await call({ method: 'POST', path: `${OPS_PREFIX}/rollback`, body, token: tokenOf('awsOperator') })).status
  }
  assert.equal(await rollback('aws'), 200)
  for (const selector of ['github', '*', 'a*', 'owner=team']) assert.equal(await rollback(selector), 403, selector)
  assert.equal((await call({ path: `${OPS_PREFIX}/status`, token: tokenOf('awsOperator') })).status, 403)
})

test('defaults are filled in and the caller is named', async (t) => {
  const { call, asked } = await withOperators(t)
  await call(requestOf('rollback'))
  await call({ path: `${OPS_PREFIX}/mismatches?limit=7` })
  await call(requestOf('explain'))
  assert.deepEqual(asked, [
    { call: 'rollback', given: { selector: 'aws', to: 'off' }, by: 'operator' },
    { call: 'mismatches', given: { selector: '*', show: 'open', limit: 7 } },
    { call: 'explain', given: { integration: 'aws', customer: 'c/1' } },
  ])
})

test('a field that is not known, missing or mistyped is refused by name, and nothing happens', async (t) => {
  const { call, asked } = await withOperators(t)
  const refused = async (path: string, body: string | null, named: RegExp) => {
    const method = body === null ? 'GET' : 'POST'
    const { status, text } = await call({ method, path: OPS_PREFIX + path, ...(body === null ? {} : { body }) })
    assert.equal(status, 400)
    assert.equal(JSON.parse(text).code, 'parameter-refused')
    assert.match(text, named)
  }
  await refused('/rollback', '{"selector":"aws","cohorts":"x"}', /cohorts/)
  await refused('/rollback', '{}', /selector/)
  await refused('/rollback', '{"selector":"aws","to":"nowhere"}', /body\.to/)
  await refused('/rollback', '{', /JSON/)
  await refused('/rollback', '[]', /body/)
  await refused('/status?selecter=aws', null, /selecter/)
  await refused('/events?limit=0', null, /query\.limit/)
  assert.deepEqual(asked, [])
})

test('executing wants a reason; planning does not', async (t) => {
  const { call, asked } = await withOperators(t)
  const migrate = (body: object) => call({ method: 'POST', path: `${OPS_PREFIX}/migrate`, body: JSON.stringify(body) })
  const without = await migrate({ integration: 'aws', execute: true })
  assert.equal(JSON.parse(without.text).code, 'reason-required')
  assert.deepEqual(asked, [])
  assert.equal((await migrate({ integration: 'aws', execute: true, reason: 'go' })).status, 200)
})

test('a change is audited before it happens and does not happen without its record; looking is not audited', async (t) => {
  const { call, asked, audited, failAudit } = await withOperators(t)
  const body = JSON.stringify({ selector: 'aws', reason: '3 a.m.' })
  const rollback = () => call({ method: 'POST', path: `${OPS_PREFIX}/rollback`, body })
  await call(requestOf('status'))
  await rollback()
  const [{ actor, role, operation, integration, reason } = assert.fail('no audit entry'), ...more] = audited
  assert.deepEqual(
    [actor, role, operation, integration, reason],
    ['operator', 'operator', 'ops.rollback', 'aws', '3 a.m.'],
  )
  assert.deepEqual(more, [])
  failAudit()
  assert.equal(JSON.parse((await rollback()).text).code, 'audit-unavailable')
  assert.equal(asked.filter((entry) => entry.call === 'rollback').length, 1)
})

test('a refusal of a port is a problem document', async (t) => {
  const { call } = await withOperators(t)
  const { status, headers, text } = await call(requestOf('lift'))
  assert.equal(status, 409)
  assert.equal(headers['content-type'], 'application/problem+json')
  assert.equal(JSON.parse(text).code, 'lift-refused')
})

test('unknown paths are 404, other methods 405 with what is allowed', async (t) => {
  const { call } = await withOperators(t)
  assert.equal((await call({ path: `${OPS_PREFIX}/nothing` })).status, 404)
  const flags = await call({ method: 'DELETE', path: `${OPS_PREFIX}/flags` })
  assert.deepEqual([flags.status, flags.headers.allow], [405, 'GET, POST'])
  assert.equal((await call({ method: 'POST', path: '/livez' })).headers.allow, 'GET')
})

test('health, metrics and the document need no token', async (t) => {
  const { call } = await withOperators(t)
  for (const path of ['/livez', '/readyz', '/metrics', '/api/v1/openapi.json'])
    assert.equal((await call({ path, token: null })).status, 200, path)
  assert.match((await call({ path: '/metrics', token: null })).text, /# HELP crossfade_/)
})
