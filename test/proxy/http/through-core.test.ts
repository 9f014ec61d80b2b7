import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { PHASES } from '../../../flags/phase.ts'
import { makeClientsApp } from '../../../proxy/http/clients.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import { INTEGRATION, withCore } from '../core/with-core.ts'
import { withAccess } from './with-access.ts'
import { send } from './with-clients.ts'

test('one secret through the real core in every phase: written, read, listed and deleted, with ETags that hold', async (t) => {
  const core = await withCore(t)
  const access = withAccess()
  const app = makeClientsApp({
    ...access.deps,
    secrets: core.secrets,
    limits: (integration) => (integration === INTEGRATION ? { maxSize: 1024 } : null),
    bodyLimit: 1024,
    phaseOf: () => null,
    metrics: makeProxyMetrics(access.registry),
    document: {},
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const customer = `/api/v1/secrets/${INTEGRATION}/c1`
  const headers = {
    authorization: `Bearer ${access.tokenOf('client')}`,
    'content-type': 'text/x',
    'crossfade-meta-a': 'b',
  }
  const ask = (method: string, path: string, extra: object = {}) =>
    send(port, { method, path, headers: { ...headers, ...extra }, ...(method === 'PUT' ? { body: 'value' } : {}) })
  const etags = new Set<unknown>()
  for (const phase of PHASES) {
    core.setPhase(phase)
    const put = await ask('PUT', `${customer}/a/b`, { 'if-none-match': '*' })
    assert.equal(put.status, 204, `${phase}: ${put.body}`)
    assert.equal(put.headers['crossfade-phase'], phase)
    const got = await ask('GET', `${customer}/a/b`)
    assert.equal(got.body.toString(), 'value')
    assert.equal(got.headers['content-type'], 'text/x')
    assert.equal(got.headers['crossfade-meta-a'], 'b')
    etags.add(put.headers.etag).add(got.headers.etag)
    assert.deepEqual(JSON.parse((await ask('GET', customer)).body.toString()).entries, [{ name: 'a/b' }])
    assert.equal((await ask('DELETE', `${customer}/a/b`)).status, 204)
    assert.equal((await ask('GET', `${customer}/a/b`)).status, 404)
    await core.settleAll()
  }
  assert.equal(etags.size, 1)
})
