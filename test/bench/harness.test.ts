import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { alternate, figuresOf, ratiosOf } from '../../bench/compare.ts'
import { closedLoop, type Shot } from '../../bench/load.ts'
import { openLoop } from '../../bench/open-loop.ts'
import { startNode } from '../../bench/process.ts'
import { type Bench, defineScenario, runScenario } from '../../bench/scenario.ts'
import { makeRandom } from '../../bin/embedded/sample/random.ts'

const SLOW_SERVER = fileURLToPath(new URL('slow-server.ts', import.meta.url))
const shot = (method: Shot['method']): Shot => ({ method, path: '/', headers: {}, body: null })
const bench: Bench = {
  seconds: 1,
  secrets: 1,
  scale: false,
  folder: '',
  note: () => {},
  signal: new AbortController().signal,
}

const startSlow = async (ms: number) => {
  const { ready, stop } = await startNode({
    argv: [SLOW_SERVER, String(ms)],
    ready: (line) => JSON.parse(line) as { url: string },
    signal: bench.signal,
  })
  return { url: ready.url, headers: {}, stop }
}

const loaded = (url: string, method: Shot['method'] = 'GET') =>
  closedLoop({ url, connections: 2, ms: 150, next: () => shot(method) })

const isListening = async (url: string): Promise<boolean> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const listening = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return listening
}

test('of two processes the slower one shows as slower, in every ratio', async (t: TestContext) => {
  const [fast, slow] = await Promise.all([startSlow(0), startSlow(20)])
  t.after(() => Promise.all([fast.stop(), slow.stop()]))
  const rounds = await alternate({ rounds: 3, baseline: () => loaded(fast.url), candidate: () => loaded(slow.url) })
  const ratios = ratiosOf(rounds)
  assert.ok((ratios.ratio_p50 ?? 0) > 2, JSON.stringify(ratios))
  assert.ok((ratios.ratio_throughput ?? 1) < 0.5, JSON.stringify(ratios))
  assert.equal(figuresOf(rounds.candidate).failures, 0)
})

test('both are warmed up once, then take turns', async () => {
  const turns: string[] = []
  const turn = (name: string) => async () => {
    turns.push(name)
    return { latenciesMs: [1], seconds: 1, failures: 0 }
  }
  const rounds = await alternate({ rounds: 2, baseline: turn('A'), candidate: turn('B') })
  assert.equal(turns.join(''), 'ABABAB')
  assert.equal(rounds.baseline.length, 2)
})

test('answers outside 2xx are failures and no latencies', async (t: TestContext) => {
  const { url, stop } = await startSlow(0)
  t.after(stop)
  const slice = await loaded(url, 'DELETE')
  assert.equal(slice.latenciesMs.length, 0)
  assert.ok(slice.failures > 0)
})

test('an open loop does not wait for answers, and latency counts from when a request was due', async (t: TestContext) => {
  const { url, stop } = await startSlow(200)
  t.after(stop)
  const random = makeRandom('gaps')
  const arrivals = await openLoop({
    url,
    perSecond: 100,
    ms: 300,
    next: () => shot('GET'),
    random: () => random.below(1000) / 1000,
    signal: bench.signal,
  })
  // A closed loop of one connection would have got through two.
  assert.ok(arrivals.length > 10, `${arrivals.length}`)
  assert.ok(arrivals.every(({ ok, due, answered }) => ok && answered - due >= 199))
  assert.ok(arrivals.every(({ due }, n) => n === 0 || due >= (arrivals[n - 1]?.due ?? 0)))
})

test('a program that ends before it is ready is told with its last lines', async () => {
  const starting = startNode({
    argv: ['--eval', 'console.error("the port is taken"); process.exit(3)'],
    ready: () => null,
    signal: bench.signal,
  })
  await assert.rejects(starting, /ended with 3\nthe port is taken/)
})

test('systems are stopped when a later one does not start, and when the measurement fails', async () => {
  const urls: string[] = []
  const first = async () => {
    const system = await startSlow(0)
    urls.push(system.url)
    return system
  }
  const neverStarts = defineScenario({
    name: 'x',
    about: '',
    systems: { first, second: () => Promise.reject(new Error('no second')) },
    drive: async () => assert.fail('it must not be driven'),
  })
  await assert.rejects(runScenario(neverStarts, bench), /no second/)
  const fails = defineScenario({
    name: 'x',
    about: '',
    systems: { first },
    drive: () => Promise.reject(new Error('no figures')),
  })
  await assert.rejects(runScenario(fails, bench), /no figures/)
  assert.equal(urls.length, 2)
  for (const url of urls) assert.equal(await isListening(url), false)
})
