import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { makeBackendsMetrics } from '../../../backends/metrics.ts'
import type { VaultClient } from '../../../backends/vault/client.ts'
import { vaultSchema } from '../../../backends/vault/config.ts'
import { openVaultClient } from '../../../backends/vault/open.ts'
import type { VaultOutcome } from '../../../backends/vault/request.ts'
import { useBao } from '../../support/bao.ts'
import { call } from '../checks/check.ts'
import { deps, secretFile } from '../subjects.ts'

const bao = useBao()

async function open(t: TestContext, token: string, more: object = {}): Promise<VaultClient> {
  const { url } = await bao.server()
  const auth = { kind: 'token', token_file: await secretFile(t, token) }
  const client = openVaultClient(vaultSchema.parse({ address: url, auth, ...more }), deps('vaulted'))
  t.after(() => client.close())
  return client
}

const json = (outcome: VaultOutcome): unknown => {
  assert.equal(outcome.kind, 'answer')
  return outcome.kind === 'answer' ? JSON.parse(outcome.body.toString('utf8')) : null
}

test('what is written is read back byte for byte, and listed', { skip: bao.skip }, async (t) => {
  const server = await bao.server()
  const mount = await server.mount('kv', { version: '1' })
  const client = await open(t, server.rootToken)
  const body = '{"number":12345678901234567890,"text":"ü<>"}'
  const put = await client.request({ method: 'POST', path: [mount, 'aws', 'a b%ü'], body }, call())
  assert.equal(put.kind === 'answer' && put.status, 204)
  const got = await client.request({ method: 'GET', path: [mount, 'aws', 'a b%ü'] }, call())
  assert.match(got.kind === 'answer' ? got.body.toString('utf8') : '', /"number":12345678901234567890/)
  const list = await client.request({ method: 'GET', path: [mount, 'aws'], query: { list: 'true' } }, call())
  assert.deepEqual((json(list) as { data: unknown }).data, { keys: ['a b%ü'] })
})

test('its connections are counted among those of its store', { skip: bao.skip }, async (t) => {
  const registry = new Registry()
  const metrics = makeBackendsMetrics(registry)
  const { url, rootToken } = await bao.server()
  const auth = { kind: 'token', token_file: await secretFile(t, rootToken) }
  const config = vaultSchema.parse({ address: url, auth })
  const client = openVaultClient(config, { ...deps('vaulted'), metrics })
  t.after(() => client.close())
  await client.request({ method: 'GET', path: ['sys', 'mounts'] }, call())
  const { values } = (await registry.getSingleMetric('crossfade_store_connections')?.get()) ?? { values: [] }
  const counted = Object.fromEntries(
    values.map(({ labels, value }) => [`${labels['store']} ${labels['server']} ${labels['state']}`, value]),
  )
  assert.equal(counted['vaulted vault waiting'], 0)
  // The login and the request may have had one each.
  assert.ok([1, 2].includes(counted['vaulted vault open'] ?? 0), JSON.stringify(counted))
})

test('what is not there is an answer; what the policy denies is refused for certain', { skip: bao.skip }, async (t) => {
  const server = await bao.server()
  const mount = await server.mount('kv', { version: '2' })
  const token = await server.token(`path "${mount}/data/mine/*" { capabilities = ["read"] }`)
  const client = await open(t, token)
  const none = await client.request({ method: 'GET', path: [mount, 'data', 'mine', 'x'] }, call())
  assert.equal(none.kind === 'answer' && none.status, 404)
  const denied = await client.request({ method: 'POST', path: [mount, 'data', 'theirs'], body: '{"data":{}}' }, call())
  assert.deepEqual(denied, {
    kind: 'failed',
    failure: { certain: true, reason: 'denied', passing: false },
    detail: '403',
  })
})

for (const path of [['kv', '..', 'x'], ['kv', ''], ['kv', 'a/b'], ['kv', 'a\u0000'], ['kv', '.'], ['\ud800'], []]) {
  test(`a path that would not arrive as it is is never sent: ${JSON.stringify(path)}`, {
    skip: bao.skip,
  }, async (t) => {
    const client = await open(t, (await bao.server()).rootToken)
    const outcome = await client.request({ method: 'GET', path }, call())
    assert.deepEqual(outcome.kind === 'failed' && outcome.failure, {
      certain: true,
      reason: 'unrepresentable',
      passing: false,
    })
  })
}
