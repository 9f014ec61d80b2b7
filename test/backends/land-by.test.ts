import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { guardStore } from '../../backends/guarded.ts'
import { makeMemoryStore } from '../../backends/memory/memory.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { ANY, type Call } from '../../backends/store.ts'
import { systemClock } from '../../core/clock.ts'
import { address, call, secret } from './checks/check.ts'

test('a store is told by when a write must have landed, which is later than its caller waits', async (t) => {
  const seen: Call[] = []
  const inner = makeMemoryStore({ name: 'legacy', versions: 'fenced', maxSize: 1000, clock: systemClock })
  const limits = { deadline: 500, breaker: { failures: 3, reset: 5_000 }, concurrency: { max: 2, queue: 1 } }
  const guarded = guardStore(
    {
      ...inner,
      put: async (where, value, condition, given) => {
        seen.push(given)
        return inner.put(where, value, condition, given)
      },
    },
    limits,
    { clock: systemClock, metrics: makeBackendsMetrics(new Registry()) },
  )
  t.after(() => guarded.close())
  const asked = call(60_000)
  await guarded.put(address('aws'), secret('a'), ANY, asked)
  await guarded.put(address('aws'), secret('a'), ANY, { ...asked, landBy: asked.deadline + 900 })
  assert.deepEqual(
    seen.map(({ landBy }) => landBy),
    [asked.deadline, asked.deadline + 900],
  )
  assert.ok(seen.every(({ deadline }) => deadline < asked.deadline))
})
