import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { guardStore, type Limits } from '../../backends/guarded.ts'
import { makeMemoryStore } from '../../backends/memory/memory.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { ANY, type Call, type GetOutcome, type PutOutcome, type Store } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'
import { address, secret } from './checks/check.ts'

/** A clock that moves when told to, and wakes those whose time has come. */
function drivenClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 1_000
  let sleepers: { readonly until: number; readonly wake: () => void }[] = []
  return {
    monotonic: () => now,
    wall: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ until: now + ms, wake })),
    advance: async (ms) => {
      now += ms
      const due = sleepers.filter(({ until }) => until <= now)
      sleepers = sleepers.filter(({ until }) => until > now)
      for (const { wake } of due) wake()
      await turn()
    },
  }
}

/** Lets what is ready run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const LIMITS: Limits = {
  deadline: 500,
  breaker: { failures: 3, reset: 5_000 },
  concurrency: { max: 2, queue: 1 },
}
const LOST: GetOutcome = { kind: 'error', reason: 'connection-lost', passing: true }
const CALL: Call = { deadline: Number.POSITIVE_INFINITY }
const WHERE = address('aws')

/** A store that hangs until its signal is raised, as an adapter does: what was sent is then unknown. */
const hangs = (store: Store): Store => ({
  ...store,
  get: (_address, call) => onAbort(call, { kind: 'error', reason: 'timeout', passing: true }),
  put: (_address, _secret, _condition, call) => onAbort<PutOutcome>(call, { kind: 'unknown', reason: 'timeout' }),
})
const onAbort = <T>({ signal }: Call, outcome: T): Promise<T> =>
  new Promise((resolve) => signal?.addEventListener('abort', () => resolve(outcome)))

function setup(change: (store: Store) => Store, limits: Limits = LIMITS) {
  const clock = drivenClock()
  const registry = new Registry()
  const inner = change(makeMemoryStore({ name: 'legacy', versions: 'fenced', maxSize: 1000, clock }))
  const store = guardStore(inner, limits, { clock, metrics: makeBackendsMetrics(registry) })
  const metric = async (name: string): Promise<Record<string, number>> => {
    const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] }
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]))
  }
  return { clock, store, metric }
}

/** Counts calls and answers each with the next of these outcomes. */
function scripted(outcomes: readonly GetOutcome[]) {
  const seen = { calls: 0 }
  const change = (store: Store): Store => ({
    ...store,
    get: async () => outcomes[Math.min(seen.calls++, outcomes.length - 1)] as GetOutcome,
  })
  return { seen, change }
}

test('a healthy store answers as if nothing stood around it, and is measured', async () => {
  const { store, metric } = setup((inner) => inner)
  assert.equal((await store.put(WHERE, secret('a'), ANY, CALL)).kind, 'done')
  assert.equal((await store.get(WHERE, CALL)).kind, 'found')
  assert.equal((await store.getMany([WHERE, address('aws', 'none')], CALL)).length, 2)
  const outcomes = await metric('crossfade_store_outcomes_total')
  assert.deepEqual(outcomes, {
    'legacy put done': 1,
    'legacy get found': 1,
    'legacy getMany found': 1,
    'legacy getMany absent': 1,
  })
})

test('a read of a store that hangs ends at the deadline of the configuration', async () => {
  const { clock, store } = setup(hangs)
  const outcome = store.get(WHERE, CALL)
  await clock.advance(500)
  assert.deepEqual(await outcome, { kind: 'error', reason: 'timeout', passing: true })
})

test('a put that was sent and had no answer in time is unknown', async () => {
  const { clock, store } = setup(hangs)
  const outcome = store.put(WHERE, secret('a'), ANY, { deadline: clock.monotonic() + 50 })
  await clock.advance(50)
  assert.deepEqual(await outcome, { kind: 'unknown', reason: 'timeout' })
})

test('a caller that leaves ends its call at once', async () => {
  const { store } = setup(hangs)
  const leaves = new AbortController()
  const outcome = store.get(WHERE, { ...CALL, signal: leaves.signal })
  leaves.abort()
  assert.equal((await outcome).kind, 'error')
})

test('a call whose deadline has passed is not sent', async () => {
  const { seen, change } = scripted([{ kind: 'absent', deleted: false, fence: null }])
  const { clock, store } = setup(change)
  assert.deepEqual(await store.get(WHERE, { deadline: clock.monotonic() }), {
    kind: 'error',
    reason: 'late',
    passing: true,
  })
  assert.equal(seen.calls, 0)
})

test('a read that met a broken connection is sent once more; a write is not', async () => {
  const found: GetOutcome = { kind: 'absent', deleted: false, fence: null }
  const { seen, change } = scripted([LOST, found])
  let puts = 0
  const { store } = setup((inner) => ({
    ...change(inner),
    put: async () => {
      puts += 1
      return { kind: 'unknown', reason: 'connection-lost' }
    },
  }))
  assert.deepEqual(await store.get(WHERE, CALL), found)
  assert.equal(seen.calls, 2)
  assert.deepEqual(await store.put(WHERE, secret('a'), ANY, CALL), { kind: 'unknown', reason: 'connection-lost' })
  assert.equal(puts, 1)
})

test('the breaker opens after so many failures in a row, refuses at once, and closes when a ping is answered again', async () => {
  const { seen, change } = scripted([LOST, LOST, LOST, { kind: 'absent', deleted: false, fence: null }])
  const { clock, store, metric } = setup(change)
  await store.get(WHERE, CALL)
  // The third failure opened it, so the retry of this one is refused already.
  assert.deepEqual(await store.get(WHERE, CALL), { kind: 'error', reason: 'unavailable', passing: true })
  assert.equal(seen.calls, 3)
  assert.equal((await metric('crossfade_store_breaker_open'))['legacy'], 1)
  await clock.advance(5_000)
  assert.equal((await metric('crossfade_store_breaker_open'))['legacy'], 0)
  assert.equal((await store.get(WHERE, CALL)).kind, 'absent')
})

test('while a store hangs, none of its callers waits to find out whether it is back: a ping does', async () => {
  let hanging = true
  let [pings, gets] = [0, 0]
  const { clock, store, metric } = setup((inner) => ({
    ...inner,
    get: (where, call) => {
      gets += 1
      return hanging ? new Promise(() => {}) : inner.get(where, call)
    },
    ping: (call) => {
      pings += 1
      return hanging ? new Promise(() => {}) : inner.ping(call)
    },
  }))
  for (let n = 0; n < 3; n += 1) {
    const lost = store.get(WHERE, CALL)
    await clock.advance(500)
    await lost
  }
  await clock.advance(5_000)
  // The ping is on its way, and waits; a caller does not.
  assert.deepEqual([pings, (await metric('crossfade_store_breaker_open'))['legacy']], [1, 0.5])
  assert.deepEqual(await store.get(WHERE, CALL), { kind: 'error', reason: 'unavailable', passing: true })
  await clock.advance(500)
  assert.equal((await metric('crossfade_store_breaker_open'))['legacy'], 1)
  hanging = false
  await clock.advance(4_999)
  assert.deepEqual([pings, gets], [1, 3])
  await clock.advance(1)
  assert.equal((await store.get(WHERE, CALL)).kind, 'absent')
  assert.deepEqual([pings, gets], [2, 4])
})

test('after a ping one failure opens the breaker again, until a call has succeeded', async () => {
  const absent: GetOutcome = { kind: 'absent', deleted: false, fence: null }
  const { seen, change } = scripted([LOST, LOST, LOST, LOST, absent, LOST, absent])
  const { clock, store } = setup(change)
  await store.get(WHERE, CALL)
  await store.get(WHERE, CALL)
  await clock.advance(5_000)
  // The ping was answered, the call was not: this one is not even sent a second time.
  assert.deepEqual(await store.get(WHERE, CALL), { kind: 'error', reason: 'unavailable', passing: true })
  assert.equal(seen.calls, 4)
  await clock.advance(5_000)
  assert.deepEqual(await store.get(WHERE, CALL), absent)
  assert.deepEqual(await store.get(WHERE, CALL), absent)
  assert.equal(seen.calls, 7)
})

test('a store that answers reads and hangs on writes has its writes refused at once, and after a ping one of them at a time waits', async () => {
  let puts = 0
  const { clock, store } = setup(
    (inner) => ({
      ...inner,
      put: () => {
        puts += 1
        return new Promise(() => {})
      },
    }),
    { ...LIMITS, concurrency: { max: 10, queue: 0 } },
  )
  const put = () => store.put(WHERE, secret('a'), ANY, CALL)
  const refused = { kind: 'refused', reason: 'unavailable' }
  for (let n = 0; n < 3; n += 1) {
    const lost = put()
    assert.equal((await store.get(WHERE, CALL)).kind, 'absent')
    await clock.advance(500)
    assert.deepEqual(await lost, { kind: 'unknown', reason: 'timeout' })
  }
  assert.deepEqual(await put(), refused)
  assert.equal((await store.get(WHERE, CALL)).kind, 'absent')
  await clock.advance(5_000)
  const [trial, beside] = [put(), put()]
  assert.deepEqual(await beside, refused)
  await clock.advance(500)
  assert.deepEqual(await trial, { kind: 'unknown', reason: 'timeout' })
  assert.deepEqual(await put(), refused)
  assert.equal(puts, 4)
})

test('refusals of a value, conflicts and absence never open the breaker', async () => {
  const { store } = setup((inner) => inner)
  for (let n = 0; n < 10; n += 1) {
    assert.equal((await store.get(address('aws', `none-${n}`), CALL)).kind, 'absent')
    const big = secret('x'.repeat(2000))
    assert.deepEqual(await store.put(WHERE, big, ANY, CALL), { kind: 'refused', reason: 'too-large' })
    assert.equal((await store.put(WHERE, secret('a'), { kind: 'at', fence: 'stale' }, CALL)).kind, 'conflict')
  }
})

test('callers that leave never open the breaker', async () => {
  const { clock, store } = setup(hangs)
  for (let n = 0; n < 10; n += 1) {
    const leaves = new AbortController()
    const outcome = store.get(WHERE, { ...CALL, signal: leaves.signal })
    leaves.abort()
    await outcome
  }
  const last = store.put(WHERE, secret('a'), ANY, CALL)
  await clock.advance(500)
  assert.deepEqual(await last, { kind: 'unknown', reason: 'timeout' })
})

test('calls beyond the bulkhead and its queue are refused at once, and a queued one ends at its own deadline, unsent', async () => {
  let sent = 0
  const { clock, store } = setup((inner) => ({
    ...hangs(inner),
    get: () => {
      sent += 1
      return new Promise(() => {})
    },
  }))
  void store.get(WHERE, CALL)
  void store.get(WHERE, CALL)
  const queued = store.put(WHERE, secret('a'), ANY, { deadline: clock.monotonic() + 100 })
  assert.deepEqual(await store.put(WHERE, secret('b'), ANY, CALL), { kind: 'refused', reason: 'unavailable' })
  await clock.advance(100)
  assert.deepEqual(await queued, { kind: 'refused', reason: 'unavailable' })
  assert.equal(sent, 2)
})

test('one sleep serves many calls, and each ends at its own deadline', async () => {
  const { clock, store } = setup(hangs, {
    ...LIMITS,
    breaker: { failures: 100, reset: 1 },
    concurrency: { max: 10, queue: 0 },
  })
  const ended: number[] = []
  for (const ms of [300, 100, 200]) {
    void store.get(WHERE, { deadline: clock.monotonic() + ms }).then(() => ended.push(ms))
  }
  await clock.advance(100)
  assert.deepEqual(ended, [100])
  await clock.advance(100)
  assert.deepEqual(ended, [100, 200])
  await clock.advance(100)
  assert.deepEqual(ended, [100, 200, 300])
})

test('an adapter that does not even heed its signal costs its caller no more than the deadline', async () => {
  const { clock, store } = setup((inner) => ({
    ...inner,
    get: () => new Promise(() => {}),
    putMany: () => new Promise(() => {}),
  }))
  const read = store.get(WHERE, CALL)
  const written = store.putMany([{ address: WHERE, secret: secret('a'), condition: ANY }], CALL)
  await clock.advance(500)
  assert.deepEqual(await read, { kind: 'error', reason: 'timeout', passing: true })
  assert.deepEqual(await written, [{ kind: 'unknown', reason: 'timeout' }])
})
