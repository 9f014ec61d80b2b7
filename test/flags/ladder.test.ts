import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Feature, Segment } from '../../flags/definition.ts'
import { compileFlag, makeEngine } from '../../flags/engine.ts'
import { isTotal } from '../../flags/history.ts'
import { makeLadder, type PhaseEdit, readLadder, setPhase } from '../../flags/ladder.ts'
import { lintFlag } from '../../flags/lint.ts'
import { PHASES, type Phase, phaseRank } from '../../flags/phase.ts'
import { definition, flag, step, where } from './at-hand.ts'

const engine = makeEngine()
const COHORTS = ['pilot', 'general']

const set = (feature: Feature | null, edit: PhaseEdit): Feature => {
  const edited = setPhase(feature, 'aws', edit)
  if (edited.kind === 'refused') throw new Error(edited.detail)
  return edited.feature
}

const phaseFor = (feature: Feature, customerId: string, cohort: string, segments: Segment[] = []): Phase => {
  const evaluation = engine.evaluate(
    compileFlag(definition(feature, segments)),
    { customerId, cohort, integration: 'aws' },
    0,
  )
  if (evaluation.kind === 'none') throw new Error(evaluation.why)
  return evaluation.phase
}

const rungs = (feature: Feature) =>
  feature.strategies.map(({ parameters, variants, constraints }) =>
    [constraints[0]?.values[0], variants[0]?.name, parameters['rollout']]
      .filter((part) => part !== undefined)
      .join(' '),
  )

test('a flag that does not exist yet is made with everybody off below the edit', () => {
  assert.deepEqual(rungs(set(null, { phase: 'dualwrite', percent: 10 })), ['dualwrite 10', 'off 100'])
  assert.deepEqual(rungs(set(null, { phase: 'live' })), ['live 100'])
})

test('a percentage is the share that has reached the phase or is beyond it', () => {
  const first = set(set(null, { phase: 'shadow', percent: 10 }), { phase: 'dualwrite', percent: 60 })
  assert.deepEqual(rungs(first), ['shadow 10', 'dualwrite 60', 'off 100'])
  assert.deepEqual(rungs(set(first, { phase: 'shadow', percent: 30 })), ['shadow 30', 'dualwrite 60', 'off 100'])
  assert.deepEqual(rungs(set(first, { phase: 'shadow', percent: 70 })), ['shadow 70', 'off 100'])
  assert.deepEqual(rungs(set(first, { phase: 'dualwrite', percent: 100 })), ['shadow 10', 'dualwrite 100'])
  assert.deepEqual(rungs(set(first, { phase: 'shadow', percent: 0 })), ['dualwrite 60', 'off 100'])
  assert.deepEqual(rungs(set(first, { phase: 'dualwrite', percent: 5 })), ['shadow 5', 'off 100'])
})

test('a cohort gets steps of its own, beginning where everybody is', () => {
  const base = set(null, { phase: 'shadow', percent: 50 })
  const pilot = set(base, { phase: 'live', percent: 20, cohort: 'pilot' })
  assert.deepEqual(rungs(pilot), ['pilot live 20', 'pilot shadow 50', 'pilot off 100', 'shadow 50', 'off 100'])
  assert.deepEqual(rungs(set(pilot, { phase: 'complete', cohort: 'pilot' })), [
    'pilot complete 100',
    'shadow 50',
    'off 100',
  ])
  const wider = set(pilot, { phase: 'shadow', percent: 80 })
  assert.deepEqual(
    rungs(wider).slice(3),
    ['shadow 80', 'off 100'],
    'a share of everybody leaves cohorts with steps alone',
  )
  assert.deepEqual(rungs(set(pilot, { phase: 'off' })), ['off 100'], 'everybody means everybody')
})

test('pins written by hand stay on top of every edit', () => {
  const frozen: Segment = { id: 3, constraints: [where('customerId', 'IN', 'acme')] }
  const pinned = flag('aws', [{ ...step('aws', 'off'), segments: [3] }, ...makeLadder('aws', 'live').strategies])
  const edited = set(pinned, { phase: 'complete' })
  assert.equal(phaseFor(edited, 'acme', 'general', [frozen]), 'off')
  assert.equal(phaseFor(edited, 'beta', 'general', [frozen]), 'complete')
})

test('a flag that is switched off is switched on by an edit', () => {
  assert.equal(set({ ...makeLadder('aws', 'live'), enabled: false }, { phase: 'shadow' }).enabled, true)
})

test('a flag of another form is refused, not rewritten', () => {
  const pinBelow = flag('aws', [step('aws', 'live'), step('aws', 'off', 100, [where('customerId', 'IN', 'acme')])])
  const upsideDown = flag('aws', [step('aws', 'off', 10), step('aws', 'live')])
  for (const feature of [pinBelow, upsideDown])
    assert.equal(setPhase(feature, 'aws', { phase: 'live' }).kind, 'refused')
})

const BEYOND_OFF = PHASES.filter((phase) => phase !== 'off')
const anyCohort = fc.constantFrom(...COHORTS)
const anyPercent = fc.integer({ min: 0, max: 100 })
const edit = fc.oneof(
  fc.record({ phase: fc.constantFrom(...PHASES), cohort: anyCohort }, { requiredKeys: ['phase'] }),
  fc.record(
    { phase: fc.constantFrom(...BEYOND_OFF), percent: anyPercent, cohort: anyCohort },
    { requiredKeys: ['phase', 'percent'] },
  ),
)
const edits = fc.array<PhaseEdit>(edit, { minLength: 1, maxLength: 8 })

test('a share of off is refused: everybody has reached off', () => {
  assert.equal(setPhase(null, 'aws', { phase: 'off', percent: 30 }).kind, 'refused')
})

test('whatever the edits, the ladder is total, can be read again, and lint finds nothing', () => {
  fc.assert(
    fc.property(edits, (list) => {
      const feature = list.reduce<Feature | null>((ladder, edit) => set(ladder, edit), null) as Feature
      assert.deepEqual(lintFlag(feature, { segments: new Map(), cohorts: COHORTS }), [])
      assert.ok(isTotal(definition(feature)))
      const reading = readLadder(feature, 'aws')
      assert.equal(reading.kind, 'ladder')
    }),
    { numRuns: 200 },
  )
})

test('raising a share never takes a customer back, and brings the ones it moves to the phase itself', () => {
  const customers = Array.from({ length: 200 }, (_, index) => `customer-${index}`)
  fc.assert(
    fc.property(edits, fc.constantFrom(...BEYOND_OFF), anyPercent, (list, phase, percent) => {
      const before = list.reduce<Feature | null>((ladder, edit) => set(ladder, edit), null) as Feature
      const reached = (feature: Feature, name: string) => phaseRank(phaseFor(feature, name, 'wave-1'))
      const after = set(before, { phase, percent })
      const share = (feature: Feature) => customers.filter((name) => reached(feature, name) >= phaseRank(phase)).length
      if (share(after) < share(before)) return
      for (const name of customers) {
        const [from, to] = [reached(before, name), reached(after, name)]
        assert.ok(to >= from)
        assert.ok(to === from || to === phaseRank(phase))
      }
    }),
    { numRuns: 60 },
  )
})
