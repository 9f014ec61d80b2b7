import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import { startTraffic, type TrafficClient } from '../../bin/embedded/sample/traffic.ts'
import type { Clock } from '../../core/clock.ts'
import { proxyFault } from '../../proxy/faults.ts'

const sample = { ...SAMPLE_DEFAULTS, secrets: 100 }

/** Every sleep ends at once, and after `beats` of them `enough` resolves. */
const driven = (beats: number) => {
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  const sleeps: number[] = []
  const clock: Clock = {
    monotonic: () => 0,
    wall: () => 0,
    sleep: async (ms, signal) => {
      sleeps.push(ms)
      if (sleeps.length === beats) resolve()
      await new Promise((next) => setImmediate(next))
      signal?.throwIfAborted()
    },
  }
  return { clock, enough, sleeps }
}

test('most requests are reads, and only names of its own are deleted', async () => {
  const { clock, enough, sleeps } = driven(2000)
  const removed: Address[] = []
  const client: TrafficClient = {
    get: async () => {},
    put: async () => {},
    remove: async (address) => removed.push(address),
  }
  const traffic = startTraffic({ client, sample, rate: 50, concurrency: 8, clock })
  await enough
  await traffic.stop()
  const { reads, writes, deletes, refused } = traffic.counts()
  assert.ok(reads > writes && writes > deletes && deletes > 0, JSON.stringify(traffic.counts()))
  assert.deepEqual(refused, {})
  assert.ok(removed.every(({ name }) => name.startsWith('traffic/')))
  const mean = sleeps.reduce((sum, ms) => sum + ms, 0) / sleeps.length
  assert.ok(Math.abs(mean - 1000 / 50) < 1, `${mean} ms between two requests`)
})

test('no more than its concurrency are on their way, however slow the system is', async () => {
  const { clock, enough } = driven(200)
  const answers: (() => void)[] = []
  const hang = () => new Promise<void>((answer) => answers.push(answer))
  const traffic = startTraffic({
    client: { get: hang, put: hang, remove: hang },
    sample,
    rate: 50,
    concurrency: 3,
    clock,
  })
  await enough
  const stopped = traffic.stop()
  assert.equal(answers.length, 3)
  for (const answer of answers) answer()
  await stopped
  assert.equal(answers.length, 3)
})

test('what is refused is counted by its code, and the load goes on', async () => {
  const { clock, enough } = driven(500)
  const refuse = async () => {
    throw proxyFault('store-unavailable', 'x')
  }
  const traffic = startTraffic({
    client: { get: refuse, put: refuse, remove: refuse },
    sample,
    rate: 50,
    concurrency: 4,
    clock,
  })
  await enough
  await traffic.stop()
  const { refused, reads } = traffic.counts()
  assert.equal(reads, 0)
  assert.ok((refused['store-unavailable'] ?? 0) > 100)
})
