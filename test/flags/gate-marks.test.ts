import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cap } from '../../flags/caps.ts'
import { makeCapBook } from '../../flags/caps.ts'
import { cappedByGates, makeGateBook } from '../../flags/gate-book.ts'
import { factsBetween } from '../../flags/gate-events.ts'
import { follow, type GateInput, type GateMark, leftShadow, markOf, NO_MARK } from '../../flags/gate-marks.ts'
import type { GateFigures } from '../../flags/gates.ts'
import type { Phase } from '../../flags/phase.ts'

const SUBJECT = { integration: 'aws', cohort: 'pilot' }
const GATES = { shadow: { copied: 1 }, live: { verified: 1, soak: 1000 }, complete: { soak: 5000 } }
const figures = (given: Partial<GateFigures> = {}): GateFigures => ({
  inventoried: true,
  secrets: 10,
  copied: 10,
  verified: 10,
  quarantined: 0,
  debts: 0,
  mismatches: 0,
  comparisons: 0,
  fullVerify: false,
  bypassed: 0,
  bypassSeenAt: null,
  ...given,
})
const rollback = (phase: Phase): Cap => ({
  integration: '*',
  cohort: null,
  kind: 'rollback',
  phase,
  reason: 'page',
  by: 'me',
  at: 1,
})
const input = (requested: Phase, given: Partial<GateInput> = {}): GateInput => ({
  requested,
  asks: requested,
  cap: null,
  pin: null,
  gates: GATES,
  facts: { figures: figures() },
  now: 0,
  ...given,
})
/** One look after the other, each from where the one before led. */
const looks = (...inputs: readonly GateInput[]): GateMark =>
  inputs.reduce<GateMark>((mark, next) => follow(mark, next, SUBJECT), NO_MARK)

test('a flag that jumps climbs gate by gate, and each asks for its soak in the step before', () => {
  const first = looks(input('complete'))
  assert.deepEqual([first.mark, first.runs, first.hold?.gate], ['shadow', 'shadow', 'live'])
  const early = follow(first, input('complete', { now: 999 }), SUBJECT)
  assert.deepEqual([early.mark, early.hold?.since], ['shadow', 0])
  const soaked = follow(early, input('complete', { now: 1000 }), SUBJECT)
  assert.deepEqual([soaked.mark, soaked.runs, soaked.hold?.gate], ['rampdown', 'rampdown', 'complete'])
  const last = follow(soaked, input('complete', { now: 6000 }), SUBJECT)
  assert.deepEqual([last.mark, last.hold], ['complete', null])
})

test('a gate that closes later lowers nobody', () => {
  const live = looks(input('live'), input('live', { now: 1000 }))
  assert.equal(live.mark, 'live')
  const worse = follow(live, input('live', { now: 2000, facts: { figures: figures({ verified: 0 }) } }), SUBJECT)
  assert.deepEqual([worse.mark, worse.runs, worse.hold], ['live', 'live', null])
})

test('the way back never waits, and the way forward is asked anew after it', () => {
  const back = looks(input('live'), input('live', { now: 1000 }), input('dualwrite', { now: 2000, facts: null }))
  assert.deepEqual([back.mark, back.runs, back.entered], ['dualwrite', 'dualwrite', { dualwrite: 0 }])
  const again = follow(back, input('live', { now: 3000 }), SUBJECT)
  assert.deepEqual([again.mark, again.hold?.gate], ['shadow', 'live'])
})

test('a rollback lowers what runs and ends the soak, but not what was passed', () => {
  const live = looks(input('live'), input('live', { now: 1000 }))
  const capped = follow(live, input('live', { now: 2000, cap: rollback('off') }), SUBJECT)
  assert.deepEqual([capped.mark, capped.runs, capped.entered, capped.hold], ['live', 'off', {}, null])
})

test('nobody passes a gate beyond a cap, nor while the integration is not enrolled', () => {
  const capped = looks(input('live', { cap: rollback('dualwrite') }), input('live', { cap: rollback('dualwrite') }))
  assert.equal(capped.mark, 'dualwrite')
  const pinned = looks(input('live', { pin: { phase: 'off', reason: 'not enrolled' } }))
  assert.deepEqual([pinned.mark, pinned.runs, pinned.hold], ['off', 'off', null])
})

test('where gates are not asked only what none guards is entered', () => {
  const unasked = looks(input('live', { facts: null }))
  assert.deepEqual([unasked.mark, unasked.hold], ['dualwrite', null])
  const held = looks(input('live'))
  assert.deepEqual(follow(held, input('live', { facts: null }), SUBJECT).hold, held.hold)
  assert.equal(looks(input('complete', { facts: null, gates: {} })).mark, 'complete')
})

test('a word of an operator opens the gates up to its phase, until the flag asks for less', () => {
  const word = { phase: 'live', by: 'me', reason: 'known', at: 1 } as const
  const blocked = { facts: { figures: figures({ copied: 0, verified: 0 }) } }
  const forced = follow({ ...NO_MARK, forced: word }, input('complete', blocked), SUBJECT)
  assert.deepEqual([forced.mark, forced.hold?.gate], ['rampdown', 'complete'])
  const kept = follow(forced, input('live', blocked), SUBJECT)
  assert.equal(kept.forced?.phase, 'live')
  const spent = follow(kept, input('shadow', blocked), SUBJECT)
  assert.equal(spent.forced, null)
  // Given before the flag asks for anything it waits for that.
  assert.equal(follow({ ...NO_MARK, forced: word }, input('off'), SUBJECT).forced?.phase, 'live')
})

test('a cohort that the record does not name starts at the lowest mark of the others', () => {
  const at = (mark: Phase): GateMark => ({ ...NO_MARK, mark })
  assert.equal(markOf({ flag: null, cohorts: { a: at('live'), b: at('shadow') } }, 'new').mark, 'shadow')
  assert.equal(markOf(undefined, 'new').mark, 'off')
})

test('the cap of a gate is there before anybody has looked, and lies among the stored ones', () => {
  const book = makeGateBook(() => GATES)
  const stored = makeCapBook()
  const caps = cappedByGates(stored, book)
  assert.deepEqual([caps.lowest('aws', 'pilot')?.phase, caps.lowest('aws', 'pilot')?.kind], ['dualwrite', 'gate'])
  assert.deepEqual(caps.list(), [])
  const version = caps.version()
  stored.add(rollback('off'))
  assert.equal(caps.lowest('aws', 'pilot')?.kind, 'rollback')
  assert.deepEqual(
    caps.matching('aws', 'pilot').map(({ kind }) => kind),
    ['rollback', 'gate'],
  )
  book.put('aws', { flag: null, cohorts: { pilot: looks(input('live')) } })
  assert.ok(caps.version() > version + 1)
  assert.deepEqual(
    caps.list().map(({ kind, phase, reason }) => [kind, phase, reason]),
    [
      ['rollback', 'off', 'page'],
      ['gate', 'shadow', 'live waits for soak: does not run shadow yet, 1s of it are asked: crossfade status aws -w'],
    ],
  )
  assert.equal(makeGateBook(() => ({})).cap('aws', 'pilot'), null)
})

const record = (mark: GateMark) => ({ flag: null, cohorts: { pilot: mark, general: mark } })
const NO_CAUSE = () => ({ cap: null, pin: null })

test('a flip, a hold and its release are one fact each, said once for all cohorts', () => {
  const before = record(NO_MARK)
  const held = record(looks(input('live')))
  assert.deepEqual(
    factsBetween(before, held, NO_CAUSE).map(({ kind, detail }) => [kind, detail.cohort, detail.from, detail.to]),
    [
      ['flag', null, 'off 100 %', 'live'],
      ['gate-held', null, 'shadow', 'live'],
      ['phase', null, 'off', 'shadow'],
    ],
  )
  const passed = record(looks(input('live'), input('live', { now: 1000 })))
  assert.deepEqual(
    factsBetween(held, passed, NO_CAUSE).map(({ kind, detail }) => [kind, detail.from, detail.to]),
    [
      ['gate-released', 'shadow', 'live'],
      ['phase', 'shadow', 'live'],
    ],
  )
  assert.deepEqual(factsBetween(passed, passed, NO_CAUSE), [])
})

test('what a rollback does to what runs is told with who and why', () => {
  const live = looks(input('live'), input('live', { now: 1000 }))
  const capped = follow(live, input('live', { now: 2000, cap: rollback('off') }), SUBJECT)
  const [fact, ...more] = factsBetween(record(live), record(capped), () => ({ cap: rollback('off'), pin: null }))
  assert.deepEqual([fact?.actor, fact?.detail.to, fact?.detail.reason, more], ['me', 'off', 'rollback: page', []])
})

test('comparisons count from 0 again for who fell out of shadow', () => {
  const live = looks(input('live'), input('live', { now: 1000 }))
  const back = follow(live, input('dualwrite'), SUBJECT)
  assert.deepEqual(leftShadow(record(live), record(back)), ['pilot', 'general'])
  assert.deepEqual(leftShadow(record(back), record(live)), [])
})
