import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LiveDeps, MOST_LISTENERS, makeLive } from '../../../proxy/ops/live.ts'
import type { LiveMessage } from '../../../proxy/ops/live-messages.ts'
import type { RatePoint } from '../../../proxy/ops/rates.ts'
import type { Status } from '../../../proxy/ops/status.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'

const integration = (name: string, { owing = 0, requests = 0 } = {}) =>
  ({
    integration: name,
    counts: { owing },
    outcomes: [{ operation: 'get', phase: 'off', outcome: 'ok', count: requests }],
    guard: { cohorts: [{ calls: requests }] },
    counted_at: requests === 0 ? null : '2026-01-01T00:00:00.000Z',
  }) as unknown as Status['integrations'][number]

const flow = { per_second: 1, failed_per_second: 0, p50_seconds: null, p99_seconds: null }
const point = (at: string): RatePoint => ({
  at,
  clients: flow,
  legacy: flow,
  new: flow,
  comparisons_per_second: 0,
  mismatches_per_second: 0,
})

/** A picture that tests change, and how often it was looked at. */
function picture() {
  const clock = makeDrivenClock()
  const shown = {
    looks: 0,
    away: false,
    integrations: [integration('aws'), integration('github')],
    points: [point('2026-01-01T00:00:00.000Z')],
  }
  const ports = {
    status: {
      status: async () => {
        shown.looks += 1
        return {
          at: '',
          caps: { durable: true, applied: 1, of: 1 },
          integrations: shown.integrations,
          away: { ledger: false, stores: [] },
          latencies: [],
        }
      },
      debts: async () => {
        if (shown.away) throw new Error('the ledger is away')
        return []
      },
    },
    flags: { flags: async () => ({ source: 'file', revision: null, fetched_at: null, stale: false, flags: [] }) },
    replicas: { list: async () => [] },
    mismatches: { mismatches: async () => ({ mismatches: [], next: null }) },
    events: { events: async () => ({ events: [], next: null }) },
  } as unknown as LiveDeps['ports']
  const live = makeLive({ ports, rates: { points: () => shown.points }, clock })
  const listen = () => {
    const heard: LiveMessage[] = []
    let ended = false
    const leave = live.join({
      tell: (lines) => {
        for (const line of lines.trimEnd().split('\n')) heard.push(JSON.parse(line))
      },
      end: () => {
        ended = true
      },
    })
    return {
      leave,
      isEnded: () => ended,
      /** What was heard since the last time. */
      heard: () => heard.splice(0),
    }
  }
  return { clock, live, shown, listen, second: () => clock.advance(1000) }
}

const kinds = (messages: readonly LiveMessage[]) => messages.map(({ kind }) => kind)
const WHOLE = ['integration', 'integration', 'caps', 'latencies', 'flags', 'debts', 'replicas', 'mismatches', 'events']

test('who comes is told everything, and then only what changed, with a beat after each look', async () => {
  const { shown, listen, second, clock } = picture()
  const one = listen()
  await clock.advance(0)
  assert.deepEqual(kinds(one.heard()), [...WHOLE, 'rates', 'beat'])
  await second()
  assert.deepEqual(kinds(one.heard()), ['beat'])
  shown.integrations = [integration('aws'), integration('github', { owing: 5 })]
  await second()
  const [changed, beat] = one.heard()
  assert.equal(changed?.kind === 'integration' && changed.row.integration, 'github')
  assert.equal(beat?.kind, 'beat')
})

test('one look serves all listeners, and the one who comes later is told the same picture', async () => {
  const { shown, listen, second, clock } = picture()
  const one = listen()
  await clock.advance(0)
  const first = one.heard()
  const late = listen()
  assert.deepEqual(
    late.heard(),
    first.filter(({ kind }) => kind !== 'beat'),
  )
  shown.points = [...shown.points, point('2026-01-01T00:00:05.000Z')]
  const before = shown.looks
  await second()
  assert.equal(shown.looks, before + 1)
  const [rates] = late.heard()
  assert.deepEqual(rates, { kind: 'rates', points: [point('2026-01-01T00:00:05.000Z')] })
  assert.deepEqual(one.heard()[0], rates)
})

test('nobody looks while nobody listens, and the next one is told everything anew', async () => {
  const { shown, listen, second, clock } = picture()
  const one = listen()
  await clock.advance(0)
  one.leave?.()
  await second()
  const looks = shown.looks
  await second()
  assert.equal(shown.looks, looks)
  const next = listen()
  await clock.advance(0)
  assert.deepEqual(kinds(next.heard()), [...WHOLE, 'rates', 'beat'])
})

test('a change by an operator is looked at without waiting', async () => {
  const { live, shown, listen, clock } = picture()
  listen()
  await clock.advance(0)
  const looks = shown.looks
  live.nudge()
  await clock.advance(0)
  assert.equal(shown.looks, looks + 1)
})

test('what cannot be looked at is named, and what was said of it stands', async () => {
  const { shown, listen, second, clock } = picture()
  const one = listen()
  await clock.advance(0)
  one.heard()
  shown.away = true
  await second()
  const [beat, ...more] = one.heard()
  assert.deepEqual(beat?.kind === 'beat' && beat.unknown, ['debts'])
  assert.deepEqual(more, [])
})

test('requests of clients alone change no row, or all of them would be told again and again', async () => {
  const { shown, listen, second, clock } = picture()
  const one = listen()
  await clock.advance(0)
  one.heard()
  shown.integrations = [integration('aws', { requests: 5 }), integration('github', { requests: 7 })]
  await second()
  assert.deepEqual(kinds(one.heard()), ['beat'])
})

test('listeners are bounded, and all of them end with the process', async () => {
  const { live, listen } = picture()
  const all = Array.from({ length: MOST_LISTENERS }, listen)
  assert.equal(listen().leave, null)
  all[0]?.leave?.()
  const last = listen()
  assert.notEqual(last.leave, null)
  await live.stop()
  assert.deepEqual(
    [...all.slice(1), last].map(({ isEnded }) => isEnded()),
    Array(MOST_LISTENERS).fill(true),
  )
  assert.equal(listen().leave, null, 'nobody joins a process that ends')
})
