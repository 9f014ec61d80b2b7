import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY, type GetOutcome } from '../../backends/store.ts'
import { address, secret } from './checks/check.ts'
import { CALL, hangs, LIMITS, LOST, scripted, setup, WHERE } from './with-guard.ts'

test('the breaker opens after so many failures in a row, refuses at once, and closes when a ping is answered again', async () => {
  const { seen, change } = scripted([LOST, LOST, LOST, { kind: 'absent', deleted: false, fence: null }])
  const { clock, store, metric } = setup(change)
  await store.get(WHERE, CALL)
  // The third failure opened it, so the retry of this one is refused already.
  assert.deepEqual(await store.get(WHERE, CALL), { kind: 'error', reason: 'unavailable', passing: true })
  assert.equal(seen.calls, 3)
  assert.equal((await metric('crossfade_store_breaker_open'))['legacy'], 1)
  await clock.advance(100)
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
  await clock.advance(100)
  // The ping is on its way, and waits; a caller does not.
  assert.deepEqual([pings, (await metric('crossfade_store_breaker_open'))['legacy']], [1, 0.5])
  assert.deepEqual(await store.get(WHERE, CALL), { kind: 'error', reason: 'unavailable', passing: true })
  await clock.advance(500)
  assert.equal((await metric('crossfade_store_breaker_open'))['legacy'], 1)
  hanging = false
  await clock.advance(199)
  assert.deepEqual([pings, gets], [1, 3])
  await clock.advance(1)
  assert.equal((await store.get(WHERE, CALL)).kind, 'absent')
  assert.deepEqual([pings, gets], [2, 4])
})

test('a call from before the breaker opened fails while a ping is on its way: it is pinged on until it is closed', async () => {
  const slow = Promise.withResolvers<GetOutcome>()
  const answered = Promise.withResolvers<void>()
  let [gets, pings] = [0, 0]
  const { clock, store, metric } = setup(
    (inner) => ({
      ...inner,
      get: async () => (gets++ === 0 ? slow.promise : LOST),
      ping: async (call) => {
        if (pings++ === 0) await answered.promise
        return inner.ping(call)
      },
    }),
    { ...LIMITS, concurrency: { max: 4, queue: 0 } },
  )
  const open = async () => (await metric('crossfade_store_breaker_open'))['legacy']
  const early = store.get(WHERE, CALL)
  await Promise.all([store.get(WHERE, CALL), store.get(WHERE, CALL)])
  await clock.advance(100)
  assert.deepEqual([pings, await open()], [1, 0.5])
  slow.resolve(LOST)
  await early
  assert.equal(await open(), 1)
  answered.resolve()
  await clock.advance(0)
  assert.equal(await open(), 1)
  await clock.advance(200)
  assert.deepEqual([pings, await open()], [2, 0])
})

test('pings come soon at first, then ever later, at most a reset apart; a call that was answered brings back the short ones', async () => {
  let away = true
  let pings = 0
  const { clock, store } = setup((inner) => ({
    ...inner,
    get: async (where, call) => (away ? LOST : inner.get(where, call)),
    ping: async (call) => {
      pings += 1
      return away ? { kind: 'error', reason: 'connection-lost' } : inner.ping(call)
    },
  }))
  // Each is sent twice, so the breaker opens at the third failure.
  const fail = () => Promise.all([store.get(WHERE, CALL), store.get(WHERE, CALL)])
  const pauses = async (count: number): Promise<number[]> => {
    const seen: number[] = []
    for (let waited = 0; seen.length < count; waited += 100) {
      const before = pings
      await clock.advance(100)
      if (pings > before) seen.push(waited + 100 - seen.reduce((sum, n) => sum + n, 0))
    }
    return seen
  }
  await fail()
  assert.deepEqual(await pauses(8), [100, 200, 400, 800, 1600, 3200, 5000, 5000])
  away = false
  await clock.advance(5_000)
  assert.equal((await store.get(WHERE, CALL)).kind, 'absent')
  away = true
  await fail()
  assert.deepEqual(await pauses(2), [100, 200])
})

test('when a store is back, a burst of calls is let through: none is refused while another one finds out', async () => {
  let away = true
  const { clock, store } = setup(
    (inner) => ({
      ...inner,
      get: async (where, call) => (away ? LOST : inner.get(where, call)),
      put: async (where, value, condition, call) =>
        away ? { kind: 'refused', reason: 'unavailable' } : inner.put(where, value, condition, call),
    }),
    { ...LIMITS, concurrency: { max: 10, queue: 0 } },
  )
  await Promise.all([1, 2, 3].map(() => store.put(WHERE, secret('a'), ANY, CALL)))
  await Promise.all([1, 2, 3].map(() => store.get(WHERE, CALL)))
  away = false
  await clock.advance(100)
  const puts = await Promise.all([1, 2, 3].map((n) => store.put(address('aws', `n${n}`), secret('a'), ANY, CALL)))
  const gets = await Promise.all([1, 2, 3].map(() => store.get(WHERE, CALL)))
  assert.deepEqual(new Set([...puts, ...gets].map(({ kind }) => kind)), new Set(['done', 'absent']))
})

test('after a ping one failure opens the breaker again, until a call has succeeded', async () => {
  const absent: GetOutcome = { kind: 'absent', deleted: false, fence: null }
  const { seen, change } = scripted([LOST, LOST, LOST, LOST, absent, LOST, absent])
  const { clock, store } = setup(change)
  await store.get(WHERE, CALL)
  await store.get(WHERE, CALL)
  await clock.advance(100)
  // The ping was answered, the call was not: this one is not even sent a second time.
  assert.deepEqual(await store.get(WHERE, CALL), { kind: 'error', reason: 'unavailable', passing: true })
  assert.equal(seen.calls, 4)
  await clock.advance(200)
  assert.deepEqual(await store.get(WHERE, CALL), absent)
  assert.deepEqual(await store.get(WHERE, CALL), absent)
  assert.equal(seen.calls, 7)
})

test('a store that answers reads and hangs on writes has its writes refused at once, and from the second ping on one of them at a time waits', async () => {
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
  const lost = { kind: 'unknown', reason: 'timeout' }
  await clock.advance(100)
  const both = [put(), put()]
  await clock.advance(500)
  assert.deepEqual(await Promise.all(both), [lost, lost])
  assert.deepEqual(await put(), refused)
  await clock.advance(200)
  const [trial, beside] = [put(), put()]
  assert.deepEqual(await beside, refused)
  await clock.advance(500)
  assert.deepEqual(await trial, lost)
  assert.deepEqual(await put(), refused)
  assert.equal(puts, 6)
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
