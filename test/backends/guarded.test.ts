import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY, type GetOutcome } from '../../backends/store.ts'
import { address, secret } from './checks/check.ts'
import { CALL, hangs, LIMITS, LOST, scripted, setup, WHERE } from './with-guard.ts'

test('a healthy store answers as if nothing stood around it, and is measured', async () => {
  const { store, metric } = setup((inner) => inner)
  assert.equal((await store.put(WHERE, secret('a'), ANY, CALL)).kind, 'done')
  assert.equal((await store.get(WHERE, CALL)).kind, 'found')
  const read = await store.getMany([WHERE, address('aws', 'none')], CALL)
  assert.deepEqual([read.of(WHERE).kind, read.of(address('aws', 'none')).kind], ['found', 'absent'])
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
  const put = { address: WHERE, secret: secret('a'), condition: ANY }
  const written = store.putMany([put], CALL)
  await clock.advance(500)
  assert.deepEqual(await read, { kind: 'error', reason: 'timeout', passing: true })
  assert.deepEqual((await written).of(put), { kind: 'unknown', reason: 'timeout' })
})
