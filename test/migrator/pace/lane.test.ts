import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type LaneSpeed, makeLane, sizeOf } from '../../../migrator/pace/lane.ts'
import type { Share, Throttle } from '../../../migrator/pace/pace.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'

const FREE: LaneSpeed = { rate: Number.POSITIVE_INFINITY, by: null, hold: null }
const at = (rate: number): LaneSpeed => ({ rate, by: 'rate', hold: null })

function withLane(first: LaneSpeed = FREE) {
  const clock = makeDrivenClock()
  const set = { speed: first, concurrency: 4 }
  const waits: [Throttle, number][] = []
  const lane = makeLane({
    clock,
    speed: () => set.speed,
    concurrency: () => set.concurrency,
    onThrottled: (by, ms) => waits.push([by, ms]),
  })
  const { signal } = new AbortController()
  return { clock, set, lane, waits, take: (most: number) => lane.take(most, signal) }
}

/** Takes pass after pass, each over at once, for so many ms; how many secrets that was. */
async function copy({ clock, take }: ReturnType<typeof withLane>, most: number, ms: number): Promise<number> {
  let secrets = 0
  let over = false
  const copying = (async () => {
    while (!over) {
      const share = await take(most)
      secrets += share.secrets
      share.end(share.secrets)
      // So that a lane without a limit does not keep time from moving.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  for (let passed = 0; passed < ms; passed += 5) await clock.advance(5)
  over = true
  await clock.advance(10_000)
  await copying
  return secrets
}

test('without a limit a pass takes all that it asks for, and nothing waits', async () => {
  const { take, waits } = withLane()
  for (let n = 0; n < 3; n += 1) assert.equal((await take(200)).secrets, 200)
  assert.deepEqual(waits, [])
})

test('never more than the rate, and not much less, whatever the rate and the size of a batch', async () => {
  const cases = fc.record({ rate: fc.integer({ min: 20, max: 2000 }), most: fc.integer({ min: 1, max: 500 }) })
  await fc.assert(
    fc.asyncProperty(cases, async ({ rate, most }) => {
      const under = withLane(at(rate))
      const secrets = await copy(under, most, 2000)
      const passes = most / sizeOf(rate, most)
      assert.ok(secrets <= rate * 2 + 2 * sizeOf(rate, most), `${secrets} in 2 s at ${rate}/s, ${passes}`)
      // A wait ends at the next step of the driven clock, up to 5 ms late, once a pass.
      assert.ok(secrets >= Math.min(rate, sizeOf(rate, most) * 60) * 1.2, `${secrets} in 2 s at ${rate}/s`)
    }),
    { numRuns: 20 },
  )
})

test('a slow pace means small passes, not long pauses between large ones', async () => {
  const under = withLane(at(100))
  assert.equal((await under.take(200)).secrets, 5)
  under.set.speed = at(2)
  assert.equal(sizeOf(2, 200), 1)
  under.set.speed = at(1_000_000)
  assert.equal(sizeOf(1_000_000, 200), 200)
})

test('a change of the rate is in effect for whoever waits already', async () => {
  const { clock, set, take } = withLane(at(1))
  await take(100)
  let taken: Share | null = null
  void take(100).then((share) => {
    taken = share
  })
  await clock.advance(100)
  assert.equal(taken, null)
  set.speed = FREE
  await clock.advance(100)
  assert.notEqual(taken, null)
})

test('what a pass did not use counts for the next one', async () => {
  const { lane, take } = withLane(at(100))
  const share = await take(200)
  assert.equal(lane.tryTake(200), null)
  share.end(0)
  assert.equal(lane.tryTake(200)?.secrets, 5)
})

test('so many passes at once, in their order; more as soon as more are allowed', async () => {
  const { lane, set, take } = withLane()
  set.concurrency = 1
  const first = await take(10)
  const order: string[] = []
  const waiting = ['second', 'third'].map(async (name) => {
    const share = await take(10)
    order.push(name)
    return share
  })
  assert.equal(lane.tryTake(10), null)
  first.end(10)
  const [second] = await Promise.all([waiting[0]])
  assert.deepEqual(order, ['second'])
  set.concurrency = 2
  lane.look()
  const third = await waiting[1]
  assert.deepEqual([order, lane.passes], [['second', 'third'], 2])
  second?.end(10)
  third?.end(10)
  assert.deepEqual([lane.passes, lane.worked], [0, 30])
})

test('who waits for the rate keeps nobody from what is urgent', async () => {
  const { clock, lane, set, take, waits } = withLane(at(1))
  set.concurrency = 1
  const first = await take(10)
  const paced = take(10)
  first.end(1)
  await clock.advance(0)
  const urgent = await lane.place(200, new AbortController().signal)
  assert.equal(urgent.secrets, 200)
  urgent.end(3)
  await clock.advance(1000)
  assert.equal((await paced).secrets, 1)
  assert.equal(lane.worked, 4)
  assert.ok(waits.every(([by]) => by === 'rate') && waits.length > 0)
})

test('it says what holds passes back as long as they wait, and for a second after', async () => {
  const { clock, lane, set, take } = withLane({ ...FREE, hold: 'clients' })
  assert.equal(lane.throttledBy(), null)
  const waiting = take(10)
  await clock.advance(0)
  assert.equal(lane.throttledBy(), 'clients')
  set.speed = FREE
  await clock.advance(100)
  await waiting
  assert.equal(lane.throttledBy(), 'clients')
  await clock.advance(1000)
  assert.equal(lane.throttledBy(), null)
})

test('an abort ends every wait, and costs no place', async () => {
  const { clock, lane, set } = withLane(at(1))
  set.concurrency = 2
  const stop = new AbortController()
  const first = await lane.take(10, stop.signal)
  const forRate = assert.rejects(lane.take(10, stop.signal), { message: 'stopped' })
  await clock.advance(0)
  const urgent = await lane.place(10, new AbortController().signal)
  const forPlace = assert.rejects(lane.place(10, stop.signal), { message: 'stopped' })
  stop.abort(new Error('stopped'))
  await Promise.all([forRate, forPlace])
  first.end(1)
  urgent.end(1)
  assert.equal(lane.passes, 0)
})
