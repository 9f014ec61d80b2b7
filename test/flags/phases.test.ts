import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { makeCohorts } from '../../flags/cohorts.ts'
import type { Pin } from '../../flags/decision.ts'
import { date, flag, makeHandSource, step, where } from './at-hand.ts'
import { at, build } from './phases-at-hand.ts'

test('a fresh start without any flag is off, and says why', async (t) => {
  const { phases } = build(t)
  await phases.start()
  const decision = phases.decide('aws', 'acme')
  assert.equal(decision.effective, 'off')
  assert.equal(decision.source, 'initial')
  assert.equal(decision.cohort, 'pilot')
  assert.match(decision.reason, /has not answered/)
})

test('a flag decides, and a changed one decides anew', async (t) => {
  const { phases, source } = build(t)
  source.give([at('aws', 'shadow')])
  await phases.start()
  const before = phases.decide('aws', 'acme')
  assert.deepEqual([before.requested, before.effective, before.source], ['shadow', 'shadow', 'flag'])
  assert.deepEqual(before.matched, { index: 0, title: null })
  const moved = once(phases.events, 'moved')
  source.give([at('aws', 'live')])
  await moved
  assert.equal(phases.decide('aws', 'acme').effective, 'live')
})

test('a decision is worked out once until something changes', async (t) => {
  const { phases, source, caps } = build(t)
  source.give([at('aws', 'live')])
  await phases.start()
  const first = phases.decide('aws', 'acme')
  assert.equal(phases.decide('aws', 'acme'), first)
  caps.add({ integration: 'aws', cohort: null, kind: 'guard', phase: 'shadow', reason: 'r', by: 'guard', at: 1 })
  assert.notEqual(phases.decide('aws', 'acme'), first)
})

test('a full cache is emptied and goes on deciding right', async (t) => {
  const source = makeHandSource([flag('aws', [step('aws', 'live', 50), step('aws', 'shadow')])])
  const { phases } = build(t, { source, cacheSize: 10 })
  await phases.start()
  const ask = () => Array.from({ length: 100 }, (_, index) => phases.decide('aws', `c-${index}`).effective)
  const first = ask()
  assert.ok(new Set(first).size === 2)
  assert.deepEqual(ask(), first)
})

test('a flag switched off means off, told from a missing one', async (t) => {
  const { phases, source } = build(t)
  source.give([at('aws', 'live')])
  await phases.start()
  const moved = once(phases.events, 'moved')
  source.give([flag('aws', [step('aws', 'live')], { enabled: false })])
  await moved
  const decision = phases.decide('aws', 'acme')
  assert.deepEqual([decision.effective, decision.source], ['off', 'flag'])
})

test('a scheduled step takes effect when its date passes', async (t) => {
  const { phases, source, clock } = build(t)
  const later = clock.wall() + 60_000
  source.give([flag('aws', [step('aws', 'live', 100, [date('DATE_AFTER', later)]), step('aws', 'shadow')])])
  await phases.start()
  assert.equal(phases.decide('aws', 'acme').effective, 'shadow')
  await clock.advance(60_000)
  assert.equal(phases.decide('aws', 'acme').effective, 'shadow')
  await clock.advance(1)
  assert.equal(phases.decide('aws', 'acme').effective, 'live')
})

test('the lowest cap that covers a customer lowers its phase, and going back up follows the flag', async (t) => {
  const { phases, source, caps } = build(t)
  source.give([at('aws', 'complete')])
  await phases.start()
  const cap = {
    integration: 'aws',
    cohort: 'pilot',
    kind: 'guard',
    phase: 'shadow',
    reason: 'r',
    by: 'guard',
    at: 1,
  } as const
  caps.add(cap)
  const capped = phases.decide('aws', 'acme')
  assert.deepEqual([capped.requested, capped.effective, capped.cap], ['complete', 'shadow', cap])
  assert.equal(phases.decide('aws', 'other').effective, 'complete')
  caps.add({ ...cap, integration: '*', cohort: null, kind: 'rollback', phase: 'off' })
  assert.equal(phases.decide('aws', 'acme').effective, 'off')
  assert.equal(phases.decide('aws', 'other').effective, 'off')
  caps.remove({ integration: '*', cohort: null, kind: 'rollback' })
  caps.remove(cap)
  assert.deepEqual([phases.decide('aws', 'acme').effective, phases.decide('aws', 'acme').cap], ['complete', null])
})

test("the integration's state pins the phase whatever flag and caps say, and the reason is shown", async (t) => {
  let pin: Pin | null = { phase: 'off', reason: 'not enrolled' }
  const { phases, source, caps } = build(t, { pin: () => pin })
  source.give([at('aws', 'live')])
  await phases.start()
  const bare = phases.decide('aws', 'acme')
  assert.deepEqual([bare.requested, bare.effective, bare.pin?.reason], ['live', 'off', 'not enrolled'])
  pin = null
  assert.equal(phases.decide('aws', 'acme').effective, 'live')
  caps.add({ integration: 'aws', cohort: null, kind: 'rollback', phase: 'off', reason: 'r', by: 'me', at: 1 })
  pin = { phase: 'complete', reason: 'finalized' }
  assert.equal(phases.decide('aws', 'acme').effective, 'complete')
})

test('cohorts that are reloaded decide at once', async (t) => {
  const { phases, source } = build(t)
  source.give([flag('aws', [step('aws', 'live', 100, [where('cohort', 'IN', 'pilot')]), step('aws', 'off')])])
  await phases.start()
  assert.equal(phases.decide('aws', 'beta').effective, 'off')
  const wider = makeCohorts([
    { name: 'pilot', kind: 'pattern', pattern: 'b*' },
    { name: 'general', kind: 'rest' },
  ])
  phases.configure({ integrations: ['aws'], cohorts: wider })
  assert.equal(phases.decide('aws', 'beta').effective, 'live')
})
