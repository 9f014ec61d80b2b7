import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Cap, makeCapBook } from '../../flags/caps.ts'
import { makeCohorts } from '../../flags/cohorts.ts'
import type { Pin } from '../../flags/decision.ts'
import type { Feature, Segment } from '../../flags/definition.ts'
import { extendHistory, type History } from '../../flags/history.ts'
import { liftSlices, outlookOf } from '../../flags/outlook.ts'
import { judgeLift } from '../../flags/rollback.ts'
import { date, definition, flag, step, where } from './at-hand.ts'

const NOW = Date.UTC(2026, 0, 1)
const cohorts = makeCohorts([
  { name: 'pilot', kind: 'customers', customers: new Set(['acme']) },
  { name: 'general', kind: 'rest' },
])

const parts = (features: Feature[], given: { caps?: Cap[]; pin?: Pin; segments?: Segment[] } = {}) => ({
  history: () =>
    features.reduce<History>(
      (history, feature) => extendHistory(history, definition(feature, given.segments), NOW),
      [],
    ),
  cohorts,
  caps: makeCapBook(given.caps),
  pin: () => given.pin ?? null,
  now: NOW,
})

const requested = (...given: Parameters<typeof parts>) =>
  Object.fromEntries(outlookOf('aws', parts(...given)).map((outlook) => [outlook.cohort, outlook.requested]))

const rollback = (given: Partial<Cap> = {}): Cap => ({
  integration: '*',
  cohort: null,
  kind: 'rollback',
  phase: 'off',
  reason: 'r',
  by: 'me',
  at: 1,
  ...given,
})

test('each cohort is told what its own steps ask for', () => {
  const feature = flag('aws', [
    step('aws', 'live', 100, [where('cohort', 'IN', 'pilot')]),
    step('aws', 'shadow', 30),
    step('aws', 'off'),
  ])
  const [pilot, general] = outlookOf('aws', parts([feature]))
  assert.deepEqual(pilot?.asks, [{ phase: 'live', percent: 100, some: false }])
  assert.deepEqual(general?.asks, [
    { phase: 'shadow', percent: 30, some: false },
    { phase: 'off', percent: 100, some: false },
  ])
})

test('pins of single customers count as some, and hide nothing below them', () => {
  const pinned = { ...step('aws', 'complete'), segments: [1] }
  const segments = [{ id: 1, constraints: [where('customerId', 'IN', 'acme')] }]
  const [pilot] = outlookOf('aws', parts([flag('aws', [pinned, step('aws', 'shadow')])], { segments }))
  assert.deepEqual(pilot?.asks, [
    { phase: 'complete', percent: 100, some: true },
    { phase: 'shadow', percent: 100, some: false },
  ])
  assert.equal(pilot?.requested, 'complete')
})

test('steps whose date has not come do not count', () => {
  const feature = flag('aws', [step('aws', 'live', 100, [date('DATE_AFTER', NOW + 1)]), step('aws', 'shadow')])
  assert.deepEqual(requested([feature]), { pilot: 'shadow', general: 'shadow' })
})

test('a flag that leaves a cohort out is read together with the one before it', () => {
  const before = flag('aws', [step('aws', 'rampdown')])
  const partial = flag('aws', [step('aws', 'shadow', 100, [where('cohort', 'IN', 'pilot')])])
  assert.equal(requested([before, partial])['general'], 'rampdown')
})

test('no flag at all, and one that is switched off, ask for off', () => {
  assert.deepEqual(requested([]), { pilot: 'off', general: 'off' })
  assert.deepEqual(requested([flag('aws', [step('aws', 'live')], { enabled: false })]), {
    pilot: 'off',
    general: 'off',
  })
})

test('what runs is the request under the lowest cap, and a pin before both', () => {
  const live = flag('aws', [step('aws', 'live')])
  const [capped] = outlookOf('aws', parts([live], { caps: [rollback({ phase: 'shadow' })] }))
  assert.deepEqual([capped?.requested, capped?.runs], ['live', 'shadow'])
  const [pinned] = outlookOf('aws', parts([live], { pin: { phase: 'off', reason: 'not enrolled' } }))
  assert.equal(pinned?.runs, 'off')
})

test('lifting a rollback is refused while the flag asks for more, and not where another cap stays', () => {
  const live = flag('aws', [step('aws', 'live')])
  const one = rollback()
  const slices = liftSlices([one], ['aws'], parts([live], { caps: [one] }))
  const verdict = judgeLift(slices, false)
  assert.equal(verdict.kind, 'refused')
  assert.deepEqual(verdict.raises[0], { integration: 'aws', cohort: 'pilot', runs: 'off', after: 'live' })

  const guard = rollback({ kind: 'guard', integration: 'aws' })
  assert.equal(judgeLift(liftSlices([one], ['aws'], parts([live], { caps: [one, guard] })), false).kind, 'allowed')
  const off = flag('aws', [step('aws', 'off')])
  assert.equal(judgeLift(liftSlices([one], ['aws'], parts([off], { caps: [one] })), false).kind, 'allowed')
})
