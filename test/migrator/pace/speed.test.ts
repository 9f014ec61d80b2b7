import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { migratorSection } from '../../../migrator/config.ts'
import { NO_EVIDENCE, verdictOf, weigh } from '../../../migrator/pace/evidence.ts'
import { makeLatencies } from '../../../migrator/pace/latencies.ts'
import { settingsOf } from '../../../migrator/pace/settings.ts'
import { faster, slower, startSpeed } from '../../../migrator/pace/speed.ts'

const rate = fc.double({ min: 1, max: 100_000, noNaN: true })

test('whatever comes, a speed stays at or above the floor, and slowing down is never faster', () => {
  const steps = fc.array(fc.record({ strained: fc.boolean(), used: rate }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 1000 }), (all, floor) => {
      let speed = startSpeed(floor)
      for (const { strained, used } of all) {
        const before = speed
        speed = strained ? slower(speed, 'clients', used, floor) : faster(speed, used)
        assert.ok(speed.rate >= floor)
        if (strained) assert.ok(speed.rate <= Math.max(floor, before.rate))
        else assert.ok(speed.rate >= before.rate && speed.rate <= before.rate * 2 + 1)
      }
    }),
  )
})

test('what is allowed and not used does not grow, and is no measure of what was too much', () => {
  let speed = startSpeed(10)
  for (let n = 0; n < 50; n += 1) speed = faster(speed, 200)
  assert.ok(speed.rate <= 1000, `${speed.rate}`)
  assert.deepEqual(slower(speed, 'clients', 200, 10), { rate: 134, ceiling: 200, by: 'clients' })
})

test('after a strain it climbs by a twentieth of what was too much', () => {
  const cut = slower({ rate: 1000, ceiling: null, by: null }, 'new-errors', 1000, 10)
  assert.equal(Math.round(faster(cut, 1000).rate - cut.rate), 50)
})

test('four bad samples in a row are enough, one in two hundred never is', () => {
  const after = (samples: readonly boolean[]) =>
    verdictOf(samples.reduce((evidence, isBad) => weigh(evidence, 0.01, isBad), NO_EVIDENCE))
  assert.equal(after([true, true]), 'unsure')
  assert.equal(after([true, true, true, true]), 'strained')
  const rare = Array.from({ length: 2000 }, (_, n) => n % 200 === 0)
  assert.equal(after(rare), 'well')
  const often = Array.from({ length: 2000 }, (_, n) => n % 40 === 0)
  assert.equal(after(often), 'strained')
})

test('an hour without trouble does not hide a minute of it', () => {
  let evidence = NO_EVIDENCE
  for (let n = 0; n < 100_000; n += 1) evidence = weigh(evidence, 0.01, false)
  for (let n = 0; n < 4; n += 1) evidence = weigh(evidence, 0.01, true)
  assert.equal(verdictOf(evidence), 'strained')
})

test('a quantile is within 5 percent of the samples, and there is none of a few', () => {
  const ms = fc.double({ min: 0.1, max: 10_000, noNaN: true })
  fc.assert(
    fc.property(fc.array(ms, { minLength: 20, maxLength: 300 }), (all) => {
      const latencies = makeLatencies({ least: 20, most: 1000 })
      for (const sample of all.slice(0, 19)) latencies.add(sample)
      assert.equal(latencies.quantile(0.99), null)
      for (const sample of all.slice(19)) latencies.add(sample)
      const sorted = all.toSorted((a, b) => a - b)
      const exact = sorted[Math.ceil(0.9 * sorted.length) - 1] ?? Number.NaN
      const found = latencies.quantile(0.9) ?? Number.NaN
      assert.ok(found >= exact * 0.999 && found <= exact * 1.05, `${found}, ${exact}`)
    }),
  )
})

test('what is old fades', () => {
  const latencies = makeLatencies({ least: 20, most: 200 })
  for (let n = 0; n < 2000; n += 1) latencies.add(100)
  for (let n = 0; n < 2000; n += 1) latencies.add(1)
  assert.ok((latencies.quantile(0.99) ?? 100) < 2)
})

test('what an operator set stands before the configuration, each key for itself', () => {
  const section = migratorSection.parse({ concurrency: 3, pace: { rate: 50 } })
  assert.deepEqual(settingsOf(section, undefined), { rate: 50, concurrency: 3, adaptive: true })
  assert.deepEqual(settingsOf(section, { rate: 'none', adaptive: false }), {
    rate: null,
    concurrency: 3,
    adaptive: false,
  })
})
