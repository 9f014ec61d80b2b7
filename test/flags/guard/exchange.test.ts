import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Budgets, guardConfigSchema } from '../../../flags/guard/config.ts'
import { type Guard, makeGuard } from '../../../flags/guard/guard.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'

const PLACE = { integration: 'aws', cohort: 'general' }

/** Some replicas' guards on one clock; none of them is ever capped. */
function guards(n: number, given: object = {}) {
  const clock = makeDrivenClock()
  const budgets = guardConfigSchema.parse(given) as Budgets
  const make = (): Guard =>
    makeGuard({ clock, budgets: (name) => (name === 'aws' ? budgets : null), isCapped: () => false })
  return { clock, all: Array.from({ length: n }, make) }
}

const fail = (guard: Guard, times: number): void => {
  for (let i = 0; i < times; i += 1) guard.observe(PLACE, { side: 'new', failed: true, ms: null })
}
const wire = (shares: readonly unknown[] | null): readonly unknown[] => JSON.parse(JSON.stringify(shares))

test('samples of two replicas add up: neither alone has enough, each of them trips', () => {
  const { all } = guards(2)
  const [a, b] = all as [Guard, Guard]
  fail(a, 120)
  fail(b, 120)
  assert.deepEqual([a.look(), b.look()], [[], []])
  const [ofA, ofB] = [wire(a.share()), wire(b.share())]
  b.take('a', 1, ofA)
  a.take('b', 1, ofB)
  for (const guard of [a, b]) assert.equal(guard.look()[0]?.evidence.calls, 240)
})

test('a message that comes twice, or after a later one, counts once', () => {
  const { all } = guards(2)
  const [a, b] = all as [Guard, Guard]
  fail(a, 150)
  const first = wire(a.share())
  b.take('a', 1, first)
  b.take('a', 1, first)
  assert.equal(b.watched()[0]?.figures.new.calls, 150)
  fail(a, 10)
  b.take('a', 3, wire(a.share()))
  b.take('a', 2, first)
  assert.equal(b.watched()[0]?.figures.new.calls, 160)
  assert.equal(a.share(), null, 'nothing new')
})

test('a mismatch that two replicas found is one', () => {
  const { all } = guards(2, { stable_mismatches: 1 })
  const [a, b] = all as [Guard, Guard]
  assert.equal(a.mismatch(PLACE, 'one', { id: '7', class: 'value' }), null)
  b.take('a', 1, wire(a.share()))
  assert.equal(b.mismatch(PLACE, 'one', { id: '7', class: 'value' }), null)
  assert.equal(b.mismatch(PLACE, 'two', { id: '8', class: 'value' })?.evidence.mismatches.length, 2)
})

test('what is no share, or of an integration that is not configured, is dropped', () => {
  const { all } = guards(1)
  const [a] = all as [Guard]
  a.take('b', 1, [null, { integration: 'aws' }, { ...PLACE, legacy: 1, new: 2, mismatches: [] }, 'x'])
  const { all: others } = guards(1)
  fail(others[0] as Guard, 3)
  const [share] = wire((others[0] as Guard).share()) as [object]
  a.take('b', 2, [{ ...share, integration: 'unknown' }])
  assert.deepEqual(a.watched(), [])
})

test('what is empty for a whole window is forgotten, and legacy is remembered as it was', async () => {
  const { clock, all } = guards(1)
  const [a] = all as [Guard]
  for (let i = 0; i < 1000; i += 1) a.observe(PLACE, { side: 'legacy', failed: false, ms: 4 })
  a.look()
  a.share()
  await clock.advance(600_000)
  a.look()
  assert.deepEqual(a.watched(), [])
  for (let i = 0; i < 1000; i += 1) a.observe(PLACE, { side: 'new', failed: false, ms: 100 })
  assert.equal(a.look()[0]?.evidence.budget, 'latency', 'in complete nothing reads legacy any more')
})
