import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { makeBackendsMetrics } from '../../../backends/metrics.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import { latenciesOf, outcomesOf, quantile } from '../../../proxy/ops/latencies.ts'

test('a quantile is linear within its bucket, and null without samples', () => {
  const bounds = [
    { le: 1, count: 50 },
    { le: 2, count: 100 },
    { le: Number.POSITIVE_INFINITY, count: 100 },
  ]
  assert.equal(quantile(0.5, bounds, 100), 1)
  assert.equal(quantile(0.75, bounds, 100), 1.5)
  assert.equal(quantile(0.99, [], 0), null)
  assert.equal(quantile(0.99, [{ le: 2, count: 0 }], 5), 2)
})

test('the baseline: what clients saw by phase, and each store on its side, with outcomes', async () => {
  const registry = new Registry()
  const proxy = makeProxyMetrics(registry)
  const stores = makeBackendsMetrics(registry)
  proxy.duration.observe({ operation: 'get', phase: 'off' }, 0.004)
  proxy.requests.inc({ operation: 'get', phase: 'off', outcome: 'ok' }, 5)
  proxy.byIntegration.inc({ operation: 'get', integration: 'aws', outcome: 'ok' }, 2)
  proxy.byIntegration.inc({ operation: 'get', integration: 'github', outcome: 'ok' }, 3)
  stores.latency.observe({ store: 'old', op: 'get' }, 0.002)
  stores.outcomes.inc({ store: 'old', op: 'get', outcome: 'found' })
  const rows = await latenciesOf(registry, (store) => (store === 'old' ? 'legacy' : null))
  assert.deepEqual(
    rows.map(({ side, store, phase, operation, count, outcomes }) => [side, store, phase, operation, count, outcomes]),
    [
      [null, null, 'off', 'get', 1, { ok: 5 }],
      ['legacy', 'old', null, 'get', 1, { found: 1 }],
    ],
  )
  assert.ok(rows.every(({ p50_seconds, p99_seconds }) => (p50_seconds ?? 0) > 0 && (p99_seconds ?? 1) < 0.01))
  assert.deepEqual((await outcomesOf(registry)).get('aws'), [{ operation: 'get', outcome: 'ok', count: 2 }])
})
