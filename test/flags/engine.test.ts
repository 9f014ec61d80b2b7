import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Segment, Strategy } from '../../flags/definition.ts'
import { compileFlag, makeEngine, phaseOf } from '../../flags/engine.ts'
import { date, definition, flag, step, where } from './at-hand.ts'

const engine = makeEngine()
const context = { customerId: 'acme', cohort: 'pilot', integration: 'aws' }
const NOW = Date.UTC(2026, 0, 1)
const ask = (given: ReturnType<typeof definition>, customer: Partial<typeof context> = {}, at = NOW) =>
  engine.evaluate(compileFlag(given), { ...context, ...customer }, at)

test('the first strategy that matches names the phase, and is named itself', () => {
  const ladder = definition(
    flag('aws', [
      { ...step('aws', 'live', 100, [where('cohort', 'IN', 'dogfood')]), title: 'our own' },
      step('aws', 'shadow', 100, [where('cohort', 'IN', 'pilot')]),
      step('aws', 'off'),
    ]),
  )
  const dogfood = ask(ladder, { cohort: 'dogfood' })
  assert.deepEqual(dogfood, { kind: 'phase', phase: 'live', matched: { index: 0, title: 'our own' } })
  assert.deepEqual(ask(ladder), { kind: 'phase', phase: 'shadow', matched: { index: 1, title: null } })
  assert.deepEqual(ask(ladder, { cohort: 'general' }), {
    kind: 'phase',
    phase: 'off',
    matched: { index: 2, title: null },
  })
})

test('two strategies that name one phase are told apart', () => {
  const ladder = definition(
    flag('aws', [step('aws', 'live', 100, [where('customerId', 'IN', 'beta')]), step('aws', 'live')]),
  )
  assert.deepEqual(ask(ladder), { kind: 'phase', phase: 'live', matched: { index: 1, title: null } })
})

test('a flag that is present and switched off is off for everybody', () => {
  const off = definition(flag('aws', [step('aws', 'live')], { enabled: false }))
  assert.deepEqual(ask(off), { kind: 'phase', phase: 'off', matched: null })
})

test('no strategy that matches is not off', () => {
  const none = { kind: 'none', why: 'no-strategy-matched' }
  assert.deepEqual(ask(definition(flag('aws', [step('aws', 'live', 0)]))), none)
  assert.deepEqual(ask(definition(flag('aws', [step('aws', 'live', 100, [where('cohort', 'IN', 'other')])]))), none)
  assert.deepEqual(ask(definition(flag('aws', [{ ...step('aws', 'live'), name: 'ofTheFuture' }]))), none)
})

test('a strategy that matches and names no known phase is not off', () => {
  const broken = (value: string, type = 'json'): Strategy => ({
    ...step('aws', 'live'),
    variants: [{ name: 'x', weight: 1000, payload: { type, value } }],
  })
  const none = { kind: 'none', why: 'no-phase-in-payload' }
  for (const value of ['{"phase":"lve"}', '{}', 'null', 'not json', '{"phase":']) {
    assert.deepEqual(ask(definition(flag('aws', [broken(value)]))), none)
  }
  assert.deepEqual(ask(definition(flag('aws', [{ ...step('aws', 'live'), variants: [] }]))), none)
  assert.deepEqual(ask(definition(flag('aws', []))), none)
})

test('without a customer nothing is evaluated', () => {
  assert.equal(ask(definition(flag('aws', [step('aws', 'live')])), { customerId: '' }).kind, 'none')
})

test('segments pin single customers', () => {
  const segment: Segment = { id: 7, name: 'frozen', constraints: [where('customerId', 'IN', 'acme')] }
  const ladder = definition(flag('aws', [{ ...step('aws', 'off'), segments: [7] }, step('aws', 'live')]), [segment])
  assert.equal((ask(ladder) as { phase?: string }).phase, 'off')
  assert.equal((ask(ladder, { customerId: 'beta' }) as { phase?: string }).phase, 'live')
})

test('a parent that is not satisfied is no match, not off', () => {
  const parent = { ...flag('parent', [step('parent', 'off')]), name: 'kill', enabled: false }
  const child = flag('aws', [step('aws', 'live')], { dependencies: [{ feature: 'kill', enabled: true }] })
  assert.deepEqual(ask(definition(child, [], [parent])), { kind: 'none', why: 'no-strategy-matched' })
  const satisfied = definition(child, [], [{ ...parent, enabled: true }])
  assert.equal(ask(satisfied).kind, 'phase')
})

test('a date decides by the time given', () => {
  const scheduled = definition(
    flag('aws', [step('aws', 'live', 100, [date('DATE_AFTER', NOW)]), step('aws', 'shadow')]),
  )
  assert.deepEqual(compileFlag(scheduled).dates, [NOW])
  assert.equal((ask(scheduled, {}, NOW) as { phase?: string }).phase, 'shadow')
  assert.equal((ask(scheduled, {}, NOW + 1) as { phase?: string }).phase, 'live')
})

test('widening one step of a ladder moves customers between the two phases beside it only, and nobody back', () => {
  const rungs = (shadow: number, dualwrite: number) =>
    definition(flag('aws', [step('aws', 'shadow', shadow), step('aws', 'dualwrite', dualwrite), step('aws', 'off')]))
  const moves = (from: ReturnType<typeof rungs>, to: ReturnType<typeof rungs>) => {
    const seen = new Set<string>()
    for (let index = 0; index < 3000; index += 1) {
      const customerId = `customer-${index}`
      const [before, after] = [from, to].map((given) => (ask(given, { customerId }) as { phase?: string }).phase)
      if (before !== after) seen.add(`${before}>${after}`)
    }
    return [...seen]
  }
  assert.deepEqual(moves(rungs(10, 60), rungs(15, 60)), ['dualwrite>shadow'])
  assert.deepEqual(moves(rungs(10, 60), rungs(10, 100)), ['off>dualwrite'])
})

test('a payload may be JSON with a phase or the bare name', () => {
  assert.equal(phaseOf({ type: 'json', value: '{"phase":"live","note":1}' }), 'live')
  assert.equal(phaseOf({ type: 'string', value: 'live' }), 'live')
  assert.equal(phaseOf({ type: 'csv', value: 'live' }), null)
  assert.equal(phaseOf(undefined), null)
})
