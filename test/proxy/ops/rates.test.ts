import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { makeBackendsMetrics } from '../../../backends/metrics.ts'
import { makeProxyMetrics } from '../../../proxy/metrics.ts'
import { makeRates } from '../../../proxy/ops/rates.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'

function measured() {
  const registry = new Registry()
  const backends = makeBackendsMetrics(registry)
  const proxy = makeProxyMetrics(registry)
  const clock = makeDrivenClock()
  const sideOf = (store: string) => (store === 'old' ? 'legacy' : 'new')
  const rates = makeRates({ registry, clock, sideOf })
  const stopping = new AbortController()
  const run = rates.run(stopping.signal)
  const call = (store: string, seconds: number, outcome: string, times: number): void => {
    for (let i = 0; i < times; i += 1) {
      backends.latency.observe({ store, op: 'get' }, seconds)
      backends.outcomes.inc({ store, op: 'get', outcome })
    }
  }
  // A look is several turns.
  const turns = async () => {
    for (let turn = 0; turn < 20; turn += 1) await clock.advance(0)
  }
  const five = async () => {
    await turns()
    await clock.advance(5000)
    await turns()
  }
  const stop = async () => {
    stopping.abort()
    await run
  }
  return { proxy, rates, call, five, stop }
}

test('a point is what happened since the one before, by side, not since the start', async () => {
  const { rates, call, five, stop } = measured()
  await five()
  call('old', 0.002, 'found', 50)
  call('sealed', 0.2, 'found', 10)
  call('sealed', 0.2, 'error_timeout', 10)
  await five()
  call('old', 0.03, 'absent', 5)
  await five()
  await stop()
  const [before, busy, calm] = rates.points()
  assert.equal(before?.legacy.per_second, 0)
  assert.equal(busy?.legacy.per_second, 10)
  assert.deepEqual([busy?.new.per_second, busy?.new.failed_per_second], [4, 2])
  assert.ok((busy?.legacy.p99_seconds ?? 1) <= 0.0025, 'within the bucket of 2 ms')
  assert.ok((busy?.new.p50_seconds ?? 0) > 0.1)
  assert.ok((calm?.legacy.p50_seconds ?? 0) > 0.025, 'the fast calls of before are not in it')
  assert.deepEqual([calm?.new.per_second, calm?.new.p99_seconds], [0, null])
})

test('differences and comparisons are counted a second, and clients are apart from stores', async () => {
  const { proxy, rates, five, stop } = measured()
  await five()
  proxy.comparisons.inc({ integration: 'aws', result: 'mismatch' }, 20)
  proxy.mismatches.inc({ integration: 'aws', class: 'value' }, 5)
  proxy.duration.observe({ operation: 'get', phase: 'live' }, 0.01)
  proxy.requests.inc({ operation: 'get', phase: 'live', outcome: 'failed' })
  await five()
  await stop()
  const point = rates.points().at(-1)
  assert.deepEqual([point?.comparisons_per_second, point?.mismatches_per_second], [4, 1])
  assert.deepEqual([point?.clients.per_second, point?.clients.failed_per_second], [0.2, 0.2])
})

test('a quarter of an hour is kept', async () => {
  const { rates, five, stop } = measured()
  for (let i = 0; i < 185; i += 1) await five()
  await stop()
  assert.equal(rates.points().length, 180)
})
