import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAlike } from '../../../flags/admin/alike.ts'
import {
  afterCall,
  type HeldStrategy,
  MOST_STRATEGIES,
  planStrategies,
  type StrategyCall,
} from '../../../flags/admin/plan.ts'
import type { Constraint, Strategy } from '../../../flags/definition.ts'
import { compileFlag, makeEngine } from '../../../flags/engine.ts'
import { PHASES, type Phase } from '../../../flags/phase.ts'
import { date, definition, flag, step, where } from '../at-hand.ts'

const engine = makeEngine()
const COHORTS = ['dogfood', 'pilot', 'general']
const CUSTOMERS = Array.from({ length: 40 }, (_, index) => `customer-${index}`)
const NOW = Date.parse('2027-01-15T12:00:00Z')

const held = (strategies: readonly Strategy[]): readonly HeldStrategy[] =>
  strategies.map((strategy, index) => ({ ...strategy, id: `held ${index}`, disabled: false }))

/** The phase of every customer in every cohort; null: no strategy matches, and the last known phase stands. */
const answers = (strategies: readonly Strategy[]): readonly (Phase | null)[] => {
  const compiled = compileFlag(definition(flag('aws', [...strategies])))
  return COHORTS.flatMap((cohort) =>
    CUSTOMERS.map((customerId) => {
      const evaluation = engine.evaluate(compiled, { customerId, cohort, integration: 'aws' }, NOW)
      return evaluation.kind === 'phase' ? evaluation.phase : null
    }),
  )
}

const callsOf = (from: readonly HeldStrategy[], to: readonly Strategy[]): readonly StrategyCall[] => {
  const plan = planStrategies(from, to)
  assert.equal(plan.kind, 'calls')
  return plan.kind === 'calls' ? plan.calls : []
}

const wellEnded = (held: readonly Strategy[], wanted: readonly Strategy[]): boolean =>
  held.length === wanted.length && held.every((strategy, index) => isAlike(strategy, wanted[index] as Strategy))

const scopes: fc.Arbitrary<Constraint[]> = fc.constantFrom<Constraint[][]>(
  [],
  [where('cohort', 'IN', 'dogfood')],
  [where('cohort', 'IN', 'pilot')],
  [where('customerId', 'IN', 'customer-3', 'customer-7')],
  [where('cohort', 'IN', 'pilot'), date('DATE_AFTER', NOW - 1000)],
  [date('DATE_AFTER', NOW + 1000)],
)
const share = fc.integer({ min: 0, max: 100 })
const anyPhase = fc.constantFrom(...PHASES)
const anyStep = fc
  .tuple(anyPhase, share, scopes)
  .map(([phase, percent, constraints]) => step('aws', phase, percent, constraints))
/** Any list at all: orders, shares and phases as they fall. */
const anyList = fc.array(anyStep, { maxLength: 8 })
/** As a ladder is: everybody is answered at the end. */
const anyTotal = fc.tuple(anyList, anyPhase).map(([list, phase]) => [...list, step('aws', phase)])
/** One that differs from another in its shares, phases and order only a little. */
const closeTo = (list: readonly Strategy[]) =>
  fc
    .tuple(...list.map((strategy) => fc.option(share, { freq: 2 }).map((percent) => ({ strategy, percent }))))
    .map((drawn) =>
      drawn.map(({ strategy, percent }, index) =>
        percent === null || index === list.length - 1
          ? strategy
          : { ...strategy, parameters: { ...strategy.parameters, rollout: String(percent) } },
      ),
    )
const pair = fc.oneof(
  fc.tuple(anyList, anyTotal),
  anyTotal.chain((list) => fc.tuple(fc.constant(list), closeTo(list))),
)

test('whatever the two lists, every state in between gives each customer its old phase or its new one', () => {
  fc.assert(
    fc.property(pair, ([before, wanted]) => {
      const [old, fresh] = [answers(before), answers(wanted)]
      let state = held(before)
      for (const call of callsOf(state, wanted)) {
        state = afterCall(state, call)
        for (const [index, phase] of answers(state).entries()) {
          assert.ok(phase === old[index] || phase === fresh[index], `${call.kind}: ${phase} is neither old nor new`)
        }
      }
      assert.ok(wellEnded(state, wanted))
      assert.deepEqual(callsOf(state, wanted), [], 'and there is nothing left to do')
    }),
    { numRuns: 300 },
  )
})

test('a crash after any call is completed by the next plan, as safely', () => {
  fc.assert(
    fc.property(pair, fc.nat(), ([before, wanted], cut) => {
      const [old, fresh] = [answers(before), answers(wanted)]
      const start = held(before)
      const calls = callsOf(start, wanted)
      const done = calls.slice(0, calls.length === 0 ? 0 : cut % calls.length)
      let state = done.reduce<readonly HeldStrategy[]>((list, call) => afterCall(list, call), start)
      state = state.map((strategy, index) => ({ ...strategy, id: `again ${index}` }))
      for (const call of callsOf(state, wanted)) {
        state = afterCall(state, call)
        assert.ok(answers(state).every((phase, index) => phase === old[index] || phase === fresh[index]))
      }
      assert.ok(wellEnded(state, wanted))
    }),
    { numRuns: 200 },
  )
})

test('a total flag is answered by the old list or by the new one, whole, when more than shares change', () => {
  const before = [step('aws', 'shadow', 30), step('aws', 'off')]
  const wanted = [
    step('aws', 'live', 50, [where('cohort', 'IN', 'pilot')]),
    step('aws', 'dualwrite', 80),
    step('aws', 'off'),
  ]
  let state = held(before)
  const seen = callsOf(state, wanted).map((call) => {
    state = afterCall(state, call)
    return JSON.stringify(answers(state))
  })
  const [old, fresh] = [JSON.stringify(answers(before)), JSON.stringify(answers(wanted))]
  assert.deepEqual(seen, [old, old, fresh, fresh])
})

const kinds = (before: readonly Strategy[], wanted: readonly Strategy[]) =>
  callsOf(held(before), wanted).map((call) => (call.kind === 'change' ? `${call.kind} ${call.id}` : call.kind))

test('shares are raised from the top down and lowered from the bottom up, in place', () => {
  const ladder = (live: number, shadow: number) => [
    step('aws', 'live', live),
    step('aws', 'shadow', shadow),
    step('aws', 'off'),
  ]
  assert.deepEqual(kinds(ladder(10, 20), ladder(30, 40)), ['change held 0', 'change held 1'])
  assert.deepEqual(kinds(ladder(50, 60), ladder(10, 20)), ['change held 1', 'change held 0'])
})

test('a phase of one step is changed by one call, and one step too many is removed by one', () => {
  const both = [step('aws', 'live', 10), step('aws', 'off')]
  assert.deepEqual(kinds(both, [step('aws', 'shadow', 10), step('aws', 'off')]), ['change held 0'])
  assert.deepEqual(kinds(both, [step('aws', 'off')]), ['remove'])
})

test('what is there already is kept, in whatever order, and titles are nobody’s business', () => {
  const [a, b, end] = [
    step('aws', 'live', 10, [where('cohort', 'IN', 'pilot')]),
    step('aws', 'shadow', 20),
    step('aws', 'off'),
  ]
  assert.deepEqual(kinds([b, a, end] as Strategy[], [a, b, end] as Strategy[]), ['order'])
  assert.deepEqual(kinds([{ ...a, title: 'renamed' }, b, end] as Strategy[], [a, b, end] as Strategy[]), [])
})

test('a strategy that is switched off is not taken for one that decides, and is left alone', () => {
  const asleep = held([step('aws', 'live', 10)]).map((strategy) => ({ ...strategy, disabled: true }))
  const calls = callsOf(
    [...asleep, ...held([step('aws', 'off')]).map((s) => ({ ...s, id: 'end' }))],
    [step('aws', 'live', 10), step('aws', 'off')],
  )
  assert.deepEqual(
    calls.map(({ kind }) => kind),
    ['add', 'order'],
  )
})

test('more strategies at one time than Unleash takes are refused before anything is done', () => {
  const many = (phase: Phase) =>
    Array.from({ length: 20 }, (_, index) => step('aws', phase, 50, [where('cohort', 'IN', `${phase}-${index}`)]))
  const plan = planStrategies(held([...many('live'), step('aws', 'off')]), [...many('shadow'), step('aws', 'off')])
  assert.equal(plan.kind, 'refused')
  assert.match(plan.kind === 'refused' ? plan.detail : '', new RegExp(`Unleash takes ${MOST_STRATEGIES}`))
})
