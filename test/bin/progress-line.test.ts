import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, progressLine } from '../../bin/cli/progress-line.ts'
import type { Run } from '../../proxy/ops/work.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const counts = {
  discovered: 752,
  copied: 460,
  verified: 12,
  owing: 0,
  mismatched: 0,
  quarantined: 0,
  arrived: 0,
  tombstones: 0,
  left: 292,
}
const run: Run = {
  kind: 'run',
  run: 'r',
  integration: 'aws',
  what: 'migrate',
  outcome: 'running',
  stage: 'backfill',
  done: 460,
  total: 752,
  per_second: 38.4,
  eta_seconds: 8.6,
  throttled_by: null,
  counts,
  message: null,
  started_at: new Date(START).toISOString(),
  ended_at: null,
}
const line = (change: Partial<Run>): string => progressLine({ ...run, ...change }, START + 12_000)

test('a backfill says what is copied, the rate, the time, the state and the time left', () => {
  assert.equal(line({}), 'Copy: 460/752 61.2%; Verified: 12; Rate: 38/s; Time: 12s; State: backfill; ETA: 9s')
})

test('below 1 % of the stage no time left is guessed', () => {
  assert.match(line({ done: 7 }), /ETA: not known yet$/)
  assert.match(line({ done: 8 }), /ETA: 9s$/)
  assert.match(line({ total: null }), /ETA: not known yet$/)
})

test('who throttles is named in the state', () => {
  assert.match(
    line({ throttled_by: "the legacy store's latency" }),
    /State: backfill, throttled by the legacy store's latency;/,
  )
})

test('stages beside the backfill show their own share', () => {
  assert.match(line({ stage: 'verify', done: 94 }), /^Copy: 460\/752 61\.2%; Verified: 12; Verify: 94\/752 12\.5%;/)
  assert.match(line({ stage: 'inventory', counts: null, total: null, done: 31 }), /^Inventory: 31; /)
})

test('an ended run shows how it ended, the time that it took, and no time left', () => {
  const ended = line({ outcome: 'done', ended_at: new Date(START + 5000).toISOString() })
  assert.match(ended, /; Time: 5s; State: done$/)
})

test('nothing to copy is all of it', () => {
  assert.match(line({ counts: { ...counts, copied: 0, left: 0 } }), /^Copy: 0\/0 100\.0%;/)
})

test('durations are written for people', () => {
  assert.deepEqual([0, 59.4, 79, 3600, 7500].map(duration), ['0s', '59s', '1m19s', '1h00m', '2h05m'])
})

test('what is in quarantine is told beside what is copied, and nothing is counted of rows that go', () => {
  const quarantined = { ...counts, copied: 760, left: 0, quarantined: 30 }
  const done = {
    outcome: 'done',
    stage: 'verify',
    done: 790,
    total: 790,
    per_second: null,
    counts: quarantined,
  } as const
  assert.match(line(done), /^Copy: 760\/760 100.0%; Verified: 12; Quarantined: 30; Verify: 790\/790 100.0%; /)
  assert.match(line({ outcome: 'done', stage: 'drop', done: 0, total: null, per_second: null }), /^Drop: 0; Time: /)
})
