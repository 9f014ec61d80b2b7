import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStale, READING_LIFE_MS, storeDeadline, tighter } from '../../backends/sql/store-clock.ts'

test('the deadline sent is never later than the true instant, whatever the offset, the drift and the delays', () => {
  const ms = (max: number) => fc.double({ min: 0, max, noNaN: true })
  fc.assert(
    fc.property(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: -0.0005, max: 0.0005, noNaN: true }),
      ms(500),
      ms(500),
      ms(READING_LIFE_MS),
      (offset, drift, there, back, later) => {
        // The store's clock at the caller's instant t.
        const storeAt = (t: number): number => offset + t * (1 + drift)
        const sent = 1_000
        const reading = { store: storeAt(sent + there), received: sent + there + back }
        const deadline = reading.received + later
        assert.ok(storeDeadline(reading, deadline) <= storeAt(deadline) + 1e-3)
      },
    ),
  )
})

test('the deadline sent is early by no more than the time the answer took and the allowance for drift', () => {
  const reading = { store: 5_000, received: 1_040 }
  assert.equal(storeDeadline(reading, 1_540), 5_000 + 500 - 0.5)
})

test('the tighter of two readings is kept, until it is old', () => {
  const tight = { store: 1_000, received: 500 }
  const loose = { store: 1_090, received: 600 }
  assert.equal(tighter(undefined, loose), loose)
  assert.equal(tighter(tight, loose), tight)
  assert.equal(tighter(loose, tight), tight)
  const much = { store: 1_000 + READING_LIFE_MS, received: 501 + READING_LIFE_MS }
  assert.equal(isStale(tight, much.received), true)
  assert.equal(tighter(tight, much), much)
})
