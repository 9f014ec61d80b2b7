import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRandom } from '../../../bin/embedded/sample/random.ts'
import { GRACE, withGuard } from './with-guard.ts'

const SECOND = 1000
const HOUR = 3600

/** What is in trouble at a second of the day; the serving side alone never is. */
const TROUBLES = [
  { from: 1 * HOUR, for: 900, what: 'legacy' },
  { from: 4 * HOUR, for: 60, what: 'both' },
  { from: 6 * HOUR, for: 1800, what: 'legacy' },
  { from: 9 * HOUR, for: 600, what: 'slow-legacy' },
  { from: 11 * HOUR, for: 120, what: 'ledger' },
  { from: 15 * HOUR, for: 20, what: 'both' },
  { from: 18 * HOUR, for: 3600, what: 'legacy' },
  { from: 22 * HOUR, for: 300, what: 'ledger' },
] as const
type Trouble = (typeof TROUBLES)[number]['what']

const troubleAt = (second: number): Trouble | null =>
  TROUBLES.find(({ from, for: length }) => second >= from && second < from + length)?.what ?? null

/** ms; the same on both sides: mostly quick, now and then not. */
const LATENCIES = [...Array<number>(90).fill(0), ...Array<number>(8).fill(20), 120, 400]

test('a day of equal stores, writes in flight and outages trips nothing', async (t) => {
  const day = await withGuard(t, 'live', { min_samples: 100 })
  const { clock, stores } = day
  const random = makeRandom('a day')
  const names = Array.from({ length: 50 }, (_, i) => `s${i}`)
  for (const name of names) await day.write(name, 'v0')
  let now: Trouble | null = null
  for (const side of ['legacy', 'new'] as const) {
    const wait = async (): Promise<void> => {
      const ms = random.pick(LATENCIES) + (side === 'legacy' && now === 'slow-legacy' ? 300 : 0)
      if (ms > 0) await clock.sleep(ms)
    }
    stores[side].beforeRead(wait)
    stores[side].beforeWrite(wait)
  }
  const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined)
  let writes = 0
  for (let second = 0; second < 24 * HOUR; second += 2) {
    now = troubleAt(second)
    for (const side of ['legacy', 'new'] as const) {
      const isOut = now === 'both' || now === side
      stores[side].troubleReads(isOut)
      stores[side].troubleWrites(isOut ? 'refused' : null)
    }
    day.setLedgerAway(now === 'ledger')
    quietly(day.read(random.pick(names)))
    if (second % 14 === 0) quietly(day.write(random.pick(names), `v${++writes}`))
    if (second % 30 === 0 && now === null) quietly(day.settleAll())
    day.watch.round()
    for (const ms of [20, 130, 1850]) await clock.advance(ms)
  }
  await clock.advance(GRACE)
  await day.shadow.flush()
  const { values } = await day.comparisons.get()
  const count = (result: string): number => values.find(({ labels }) => labels.result === result)?.value ?? 0
  assert.ok(count('equal') > 30_000, 'most reads were compared')
  const unanswered = (await day.inconclusive.get()).values.find(({ labels }) => labels.why === 'store_error')
  assert.ok((unanswered?.value ?? 0) > 2000, 'the outages were met')
  assert.equal(count('mismatch'), 0)
  assert.deepEqual(day.caps.list(), [])
  const [watched] = day.watch.guard.watched()
  assert.ok((watched?.figures.new.calls ?? 0) > 100, 'it was watched to the end')
})

test('the day has writes in flight that a comparison meets, and none of them is a mismatch', async (t) => {
  const day = await withGuard(t, 'live')
  await day.write('one', 'v0')
  // The second side gets the write only once the comparison of a read beside it has begun.
  day.stores.legacy.beforeWrite(() => day.clock.sleep(200))
  const writing = day.write('one', 'v1')
  await day.turns()
  await day.read('one')
  await day.turns()
  await day.clock.advance(200)
  await writing
  await day.clock.advance(GRACE)
  await day.shadow.flush()
  const { values } = await day.comparisons.get()
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.result, value]),
    [['equal', 1]],
  )
  assert.deepEqual(day.caps.list(), [])
})

test('three reads an hour with one stable mismatch are capped within 10 s of its being stable', async (t) => {
  const quiet = await withGuard(t, 'live')
  for (const name of ['a', 'b', 'c']) await quiet.write(name, 'v1')
  await quiet.corrupt('legacy', 'c', 'another')
  let capped = Number.POSITIVE_INFINITY
  let readAt = Number.POSITIVE_INFINITY
  for (let second = 0; second < HOUR && quiet.caps.list().length === 0; second += 1) {
    const name = { 0: 'a', 1200: 'b', 2400: 'c' }[second]
    if (name !== undefined) {
      await quiet.read(name)
      readAt = quiet.clock.monotonic()
    }
    quiet.watch.round()
    await quiet.clock.advance(SECOND)
    await quiet.turns(10)
    capped = quiet.clock.monotonic()
  }
  assert.equal(quiet.phaseOf(), 'shadow')
  assert.ok(capped - (readAt + GRACE) <= 10_000, `${capped - readAt} ms after the read that met it`)
  const [cap] = quiet.caps.list()
  assert.equal(cap?.kind, 'guard')
  assert.deepEqual([cap?.integration, cap?.cohort, cap?.phase], ['aws', 'pilot', 'shadow'])
  assert.deepEqual(cap?.evidence?.mismatches, [{ id: '1', class: 'value' }])
  assert.equal(quiet.phaseOf('another'), 'live', 'the other cohort goes on')
  assert.doesNotMatch(JSON.stringify(cap), /another|v1/)
})

test('the serving side out, or slow, is capped, with the figures of both sides', async (t) => {
  for (const [trouble, budget] of [
    ['out', 'errors'],
    ['slow', 'latency'],
  ] as const) {
    const day = await withGuard(t, 'live')
    await day.write('one', 'v1')
    const read = async (): Promise<void> => {
      const reading = day.read('one').catch(() => undefined)
      await day.turns(1)
      await day.clock.advance(100)
      await reading
      day.watch.round()
    }
    for (let i = 0; i < 400; i += 1) await read()
    assert.deepEqual(day.caps.list(), [], 'while both are well')
    if (trouble === 'out') day.stores.new.troubleReads(true)
    else day.stores.new.beforeRead(() => day.clock.sleep(90))
    let reads = 0
    while (day.caps.list().length === 0 && reads < 400) {
      await read()
      reads += 1
    }
    const [cap] = day.caps.list()
    assert.equal(cap?.evidence?.budget, budget)
    assert.equal(day.phaseOf(), 'shadow')
    assert.ok(reads < 100, `after ${reads} reads`)
    assert.equal(cap.evidence.legacy_errors, 0)
    assert.equal(cap.evidence.side, 'new')
    assert.ok(cap.evidence.errors > 0 === (trouble === 'out'))
  }
})

test('what an operator lifted is not capped again for what was seen before', async (t) => {
  const day = await withGuard(t, 'live')
  await day.write('one', 'v1')
  await day.corrupt('new', 'one', 'another')
  const judged = async (): Promise<void> => {
    await day.read('one')
    await day.turns()
    await day.clock.advance(GRACE)
    await day.shadow.flush()
  }
  await judged()
  const [cap] = day.caps.list()
  assert.ok(cap)
  day.caps.remove(cap)
  day.watch.round()
  assert.deepEqual(day.caps.list(), [], 'the windows begin anew')
  await judged()
  assert.equal(day.caps.list().length, 1, 'and it still differs')
})

test('a guard that is off trips on nothing', async (t) => {
  const day = await withGuard(t, 'live', 'off')
  await day.write('one', 'v1')
  await day.corrupt('new', 'one', 'another')
  await day.read('one')
  await day.turns()
  await day.clock.advance(GRACE)
  await day.shadow.flush()
  assert.equal(day.recorded.length, 1)
  assert.deepEqual(day.caps.list(), [])
})

test('a mismatch that is found while legacy is read is no business of the guard', async (t) => {
  const day = await withGuard(t, 'shadow')
  await day.write('one', 'v1')
  await day.corrupt('new', 'one', 'another')
  await day.read('one')
  await day.turns()
  await day.clock.advance(GRACE)
  await day.shadow.flush()
  assert.equal(day.recorded.length, 1)
  assert.deepEqual(day.caps.list(), [])
})
