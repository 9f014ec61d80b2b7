import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { advance, estimate, makeReporter, type Progress, startMeter } from '../../migrator/progress.ts'

test('a steady pace is the rate, and the estimate follows from it', () => {
  let meter = startMeter(0)
  for (let second = 1; second <= 20; second += 1) meter = advance(meter, second * 1000, second * 50)
  assert.equal(Math.round(meter.rate ?? 0), 50)
  assert.equal(Math.round(estimate(meter.rate, 1000, 2000) ?? 0), 20)
})

test('there is no estimate before 1 percent, without a total, and while nothing moves', () => {
  assert.equal(estimate(10, 9, 1000), null)
  assert.equal(estimate(10, 10, 1000), 99)
  assert.equal(estimate(10, 500, null), null)
  assert.equal(estimate(0, 500, 1000), null)
  assert.equal(estimate(null, 500, 1000), null)
  assert.equal(estimate(null, 1000, 1000), 0)
})

test('a rate is never negative and never above the fastest interval, whatever the pace', () => {
  const steps = fc.array(fc.record({ ms: fc.integer({ min: 1, max: 5000 }), more: fc.integer({ min: 0, max: 1000 }) }))
  fc.assert(
    fc.property(steps, (all) => {
      let [at, done, fastest] = [0, 0, 0]
      let meter = startMeter(0)
      for (const { ms, more } of all) {
        at += ms
        done += more
        const before = meter
        meter = advance(meter, at, done)
        if (meter !== before) fastest = Math.max(fastest, ((meter.done - before.done) * 1000) / (meter.at - before.at))
      }
      assert.ok((meter.rate ?? 0) >= 0 && (meter.rate ?? 0) <= fastest + 1e-6)
    }),
  )
})

test('progress is told at most every 250 ms, a new stage and the end at once', () => {
  let now = 0
  const events: Progress[] = []
  const reporter = makeReporter({
    integration: 'aws',
    stage: 'enrol',
    clock: { monotonic: () => now },
    emit: (progress) => events.push(progress),
  })
  reporter.stage('backfill')
  for (now = 1; now <= 1000; now += 1) reporter.progress(now, 1000)
  reporter.end()
  assert.ok(events.length >= 4 && events.length <= 6, `${events.length} events`)
  assert.deepEqual([events[0]?.stage, events[0]?.done], ['backfill', 0])
  assert.deepEqual([events.at(-1)?.state, events.at(-1)?.done], ['ended', 1000])
})
