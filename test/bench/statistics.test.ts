import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { figuresOf, ratiosOf } from '../../bench/compare.ts'
import { median, quantile, rounded } from '../../bench/statistics.ts'

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, index) => index + 1)

test('a quantile is the smallest sample that covers its share', () => {
  assert.equal(quantile(upTo(100), 0.5), 50)
  assert.equal(quantile(upTo(100), 0.99), 99)
  assert.equal(quantile(upTo(100), 1), 100)
  assert.equal(quantile([7], 0.01), 7)
  assert.equal(quantile([3, 1, 2], 0), 1)
})

test('a quantile is one of the samples, whatever their order', () => {
  const samples = fc.array(fc.double({ noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const found = quantile(values, share)
      assert.ok(values.includes(found))
      assert.equal(quantile([...values].reverse(), share), found)
      assert.ok(values.filter((value) => value <= found).length >= share * values.length)
    }),
  )
})

test('the median is the middle sample, or the mean of the middle two', () => {
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.ok(Number.isNaN(median([])))
})

test('figures have three digits, and what is no number is null', () => {
  assert.deepEqual([0.123456, 1234.5, 0, Number.NaN, Number.POSITIVE_INFINITY].map(rounded), [
    0.123,
    1230,
    0,
    null,
    null,
  ])
})

const slice = (ms: number, count: number, failures = 0) => ({
  latenciesMs: Array<number>(count).fill(ms),
  seconds: 2,
  failures,
})

test('one disturbed round does not move the figures', () => {
  assert.deepEqual(figuresOf([slice(1, 100), slice(900, 2), slice(1, 100)]), {
    p50_ms: 1,
    p99_ms: 1,
    per_s: 50,
    failures: 0,
  })
})

test('ratios compare rounds that ran after each other, so that a slow minute of the machine cancels out', () => {
  const rounds = {
    baseline: [slice(1, 100), slice(10, 10), slice(2, 50)],
    candidate: [slice(2, 50), slice(20, 5), slice(4, 25)],
  }
  assert.deepEqual(ratiosOf(rounds), { ratio_p50: 2, ratio_p99: 2, ratio_throughput: 0.5 })
})

test('failures of all rounds are added up and are no latencies', () => {
  assert.deepEqual(figuresOf([slice(1, 10, 2), slice(1, 10, 3)]), { p50_ms: 1, p99_ms: 1, per_s: 5, failures: 5 })
})

test('a system that answered nothing has no figures instead of good ones', () => {
  assert.deepEqual(figuresOf([slice(1, 0, 4)]), { p50_ms: null, p99_ms: null, per_s: 0, failures: 4 })
})
