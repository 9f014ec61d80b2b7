import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isolationFigures, type Round } from '../../bench/scenarios/isolation-figures.ts'

/** A hundred reads and a hundred writes from `from` on, each answered after so many ms. */
const load = (from: number, readMs: number, writeMs: number) =>
  Array.from({ length: 200 }, (_, n) => {
    const due = from + n * 10
    const isRead = n % 2 === 0
    return { method: isRead ? 'GET' : 'PUT', due, answered: due + (isRead ? readMs : writeMs), ok: true } as const
  })

/** The breaker opens after 500 ms; writes before that wait for the deadline. */
const round = (writeAfter: number, readHanging = 5): Round => ({
  healthy: load(0, 5, 10),
  hanging: [...load(10_000, readHanging, 510).slice(0, 50), ...load(10_500, readHanging, writeAfter)],
  hung: 10_000,
  opened: 10_500,
})

test('a store that hangs and costs nothing holds every goal', () => {
  const { figures, missed } = isolationFigures([round(10), round(10), round(10)], 500)
  assert.deepEqual(missed, [])
  assert.deepEqual(
    [figures.reads_p99_ratio, figures.writes_p99_ratio_before_open, figures.writes_p99_ratio, figures.breaker_open_s],
    [1, 51, 1, 0.5],
  )
})

test('writes that wait while the breaker is open, slower reads, and a breaker that stays closed are goals missed', () => {
  const slow = [round(60), round(60), round(60)]
  assert.deepEqual(isolationFigures(slow, 500).missed, ['writes_p99_ratio'])
  assert.deepEqual(isolationFigures([round(10, 20)], 500).missed, ['reads_p99_ratio'])
  // Never seen open: every write counts as one before, and there is none after.
  const never = { ...round(10), opened: null }
  assert.deepEqual(isolationFigures([never], 500).missed, ['writes_p99_ratio', 'breaker_open_s'])
  assert.deepEqual(isolationFigures([round(10)], 400).missed, ['writes_p99_ratio_before_open'])
})

test('one failure more than beside a healthy store is a goal missed', () => {
  const [first, ...others] = round(10).hanging
  const failed = { ...round(10), hanging: [{ ...first, ok: false } as (typeof others)[number], ...others] }
  assert.deepEqual(isolationFigures([failed], 500).missed, ['failures'])
})
