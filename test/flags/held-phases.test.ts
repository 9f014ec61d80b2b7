import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { isFault } from '../../core/fault.ts'
import { makeVolatileMemory, type PhaseMemory } from '../../flags/memory.ts'
import { date, flag, step, where } from './at-hand.ts'
import { at, build, cohorts } from './phases-at-hand.ts'

type Built = ReturnType<typeof build>

const DOUBTS = {
  'a flag that is missing': { features: [], why: /missing/ },
  'a flag that cannot be parsed': { features: [{ name: 'crossfade.aws', enabled: true, strategies: 1 }], why: /./ },
  'no strategy that matches': { features: [flag('aws', [step('aws', 'complete', 0)])], why: /no strategy/ },
  'a payload that names no phase': {
    features: [flag('aws', [{ ...step('aws', 'off'), variants: [] }])],
    why: /names no phase/,
  },
}

for (const [what, { features, why }] of Object.entries(DOUBTS)) {
  test(`${what} leaves the last known phase standing, also after a restart`, async (t) => {
    const { phases, source, memory } = build(t)
    source.give([at('aws', 'live')])
    await phases.start()
    const settled = once(phases.events, 'settled')
    source.give(features)
    await settled
    const decision = phases.decide('aws', 'acme')
    assert.deepEqual([decision.effective, decision.source], ['live', 'held'])
    assert.match(decision.reason, why)

    const restarted = build(t, { memory })
    await restarted.phases.start()
    const after = restarted.phases.decide('aws', 'acme')
    assert.deepEqual([after.effective, after.source], ['live', 'held'])
  })
}

test('a source that is stale or failing leaves the phases standing and says so', async (t) => {
  const { phases, source } = build(t)
  source.give([at('aws', 'live')])
  await phases.start()
  source.become({ lastSuccess: 1, stale: true, error: 'connection refused' })
  const held = phases.decide('aws', 'acme')
  assert.deepEqual([held.effective, held.source], ['live', 'held'])
  assert.match(held.reason, /connection refused/)
  assert.equal(phases.doubts().get('aws')?.kind, 'source')
  source.become({ lastSuccess: 2, stale: false, error: null })
  assert.equal(phases.decide('aws', 'acme').source, 'flag')
})

test('whoever the newest flag leaves out keeps the phase of the flag before it, through several of them', async (t) => {
  const { phases, source, memory } = build(t)
  await phases.start()
  const pilotAt = (phase: Parameters<typeof step>[1]) => [step('aws', phase, 100, [where('cohort', 'IN', 'pilot')])]
  const betaAt = (phase: Parameters<typeof step>[1]) => [step('aws', phase, 100, [where('customerId', 'IN', 'beta')])]
  for (const strategies of [[step('aws', 'shadow')], pilotAt('live'), betaAt('complete')]) {
    const moved = once(phases.events, 'moved')
    source.give([flag('aws', strategies)])
    await moved
  }
  const restarted = build(t, { memory })
  await restarted.phases.start()
  for (const { decide } of [
    { decide: phases.decide.bind(phases) },
    { decide: restarted.phases.decide.bind(restarted.phases) },
  ]) {
    assert.equal(decide('aws', 'beta').effective, 'complete')
    assert.equal(decide('aws', 'acme').effective, 'live')
    assert.equal(decide('aws', 'other').effective, 'shadow')
  }
})

test('a change takes effect only once it is remembered', async (t) => {
  const durable = makeVolatileMemory()
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const memory: PhaseMemory = {
    load: () => durable.load(),
    remember: async (records) => {
      asked.resolve()
      await gate.promise
      await durable.remember(records)
    },
  }
  const { phases, source } = build(t, { memory })
  await phases.start()
  source.give([at('aws', 'dualwrite')])
  await asked.promise
  assert.equal(phases.decide('aws', 'acme').effective, 'off')
  const moved = once(phases.events, 'moved')
  gate.resolve()
  await moved
  assert.equal(phases.decide('aws', 'acme').effective, 'dualwrite')
  assert.equal((await durable.load()).length, 1)
})

function failingMemory() {
  const durable = makeVolatileMemory()
  let failing = false
  const memory: PhaseMemory = {
    load: () => durable.load(),
    remember: (records) => (failing ? Promise.reject(new Error('the ledger is down')) : durable.remember(records)),
  }
  return { memory, fail: (value: boolean) => (failing = value) }
}

test('while the memory fails changes wait and say so, and are tried again', async (t) => {
  const { memory, fail } = failingMemory()
  const { phases, source, clock } = build(t, { memory })
  source.give([at('aws', 'shadow')])
  await phases.start()
  fail(true)
  const waiting = once(phases.events, 'waiting')
  source.give([at('aws', 'live')])
  await waiting
  const decision = phases.decide('aws', 'acme')
  assert.deepEqual([decision.effective, decision.source], ['shadow', 'held'])
  assert.match(decision.reason, /cannot be remembered/)
  fail(false)
  const moved = once(phases.events, 'moved')
  await clock.advance(1_000)
  await moved
  assert.equal(phases.decide('aws', 'acme').effective, 'live')
})

test('a flag switched off does not wait for the memory, and is remembered when that is back', async (t) => {
  const { memory, fail } = failingMemory()
  const { phases, source, clock } = build(t, { memory })
  source.give([at('aws', 'live')])
  await phases.start()
  fail(true)
  const waiting = once(phases.events, 'waiting')
  source.give([flag('aws', [step('aws', 'live')], { enabled: false })])
  await waiting
  assert.equal(phases.decide('aws', 'acme').effective, 'off')
  fail(false)
  const settled = once(phases.events, 'settled')
  await clock.advance(1_000)
  await settled
  const restarted = build(t, { memory })
  await restarted.phases.start()
  assert.equal(restarted.phases.decide('aws', 'acme').effective, 'off')
})

test('a start that cannot read what is remembered is refused, and may be tried again', async (t) => {
  let down = true
  const memory: PhaseMemory = {
    load: async () => (down ? Promise.reject(new Error('down')) : []),
    remember: async () => {},
  }
  const { phases } = build(t, { memory })
  await assert.rejects(phases.start(), (error) => isFault(error) && error.code === 'phase-memory-unavailable')
  down = false
  await phases.start()
})

test('one answer that moves more than max_moves is held whole until it is let through', async (t) => {
  const { phases, source } = build(t, { maxMoves: 0.5 })
  const all = ['aws', 'github', 'azure', 'gitlab']
  source.give(all.map((integration) => at(integration, 'off')))
  await phases.start()
  const held = once(phases.events, 'held')
  source.give(['aws', 'github', 'azure'].map((integration) => at(integration, 'live')))
  const [hold] = await held
  assert.deepEqual(hold, { moves: ['aws', 'github', 'azure'], limit: 2 })
  const decision = phases.decide('aws', 'acme')
  assert.deepEqual([decision.effective, decision.source], ['off', 'held'])
  assert.match(decision.reason, /moves 3 of 4/)
  const moved = once(phases.events, 'moved')
  assert.deepEqual((await phases.acceptHeld())?.moves, hold.moves)
  await moved
  assert.equal(phases.decide('azure', 'acme').effective, 'live')
  assert.equal(await phases.acceptHeld(), null)
})

test('what one replica lets through is taken by another that holds the same, and by no replica that holds other flags', async (t) => {
  const all = ['aws', 'github', 'azure', 'gitlab']
  const memory = makeVolatileMemory()
  const [here, there, elsewhere] = [0, 1, 2].map(() => build(t, { maxMoves: 0.25, memory })) as [Built, Built, Built]
  for (const { phases, source } of [here, there, elsewhere]) {
    source.give([])
    await phases.start()
    const held = once(phases.events, 'held')
    source.give(all.map((integration) => at(integration, source === elsewhere.source ? 'complete' : 'live')))
    await held
  }
  await here.phases.acceptHeld()
  assert.equal(here.phases.decide('azure', 'acme').effective, 'live')
  assert.equal(there.phases.decide('azure', 'acme').effective, 'off')
  const settled = [there, elsewhere].map(({ phases }) => once(phases.events, 'settled'))
  await Promise.all([there.clock.advance(1_000), elsewhere.clock.advance(1_000)])
  await Promise.all(settled)
  assert.equal(there.phases.decide('azure', 'acme').effective, 'live')
  assert.equal(there.phases.held(), null)
  assert.equal(elsewhere.phases.decide('azure', 'acme').effective, 'off')
  assert.equal(elsewhere.phases.held()?.moves.length, 4)
})

test('an emptied server and a token of another environment, which switches everything off, move nothing', async (t) => {
  const all = ['aws', 'github', 'azure', 'gitlab']
  const { phases, source } = build(t, { maxMoves: 0.75 })
  source.give(all.map((integration) => at(integration, 'off')))
  await phases.start()
  for (const live of [all.slice(0, 2), all]) {
    const moved = once(phases.events, 'moved')
    source.give(all.map((integration) => at(integration, live.includes(integration) ? 'live' : 'off')))
    await moved
  }
  for (const features of [[], all.map((integration) => flag(integration, [], { enabled: false }))]) {
    const settled = once(phases.events, 'settled')
    source.give(features)
    await settled
    for (const integration of all) {
      const decision = phases.decide(integration, 'acme')
      assert.deepEqual([decision.effective, decision.source], ['live', 'held'])
    }
  }
})

test('a step that ends by date with nothing under it leaves its phase standing', async (t) => {
  const { phases, source, clock } = build(t)
  source.give([at('aws', 'off')])
  await phases.start()
  const moved = once(phases.events, 'moved')
  await clock.advance(10)
  source.give([flag('aws', [step('aws', 'live', 100, [date('DATE_BEFORE', clock.wall() + 1_000)])])])
  await moved
  assert.equal(phases.decide('aws', 'acme').source, 'flag')
  await clock.advance(5_000)
  const decision = phases.decide('aws', 'acme')
  assert.deepEqual([decision.effective, decision.source], ['live', 'held'])
})

test('an integration that leaves the configuration and comes back has its last known phase', async (t) => {
  const { phases, source } = build(t)
  source.give([at('aws', 'live')])
  await phases.start()
  source.give([])
  phases.configure({ integrations: ['github'], cohorts })
  assert.equal(phases.decide('aws', 'acme').effective, 'off')
  assert.match(phases.decide('aws', 'acme').reason, /does not name/)
  const settled = once(phases.events, 'settled')
  phases.configure({ integrations: ['aws', 'github'], cohorts })
  await settled
  assert.deepEqual([phases.decide('aws', 'acme').effective, phases.decide('aws', 'acme').source], ['live', 'held'])
})

test('what is remembered survives the way through JSON, and a record of another shape refuses the start', async (t) => {
  const { phases, source, memory } = build(t)
  source.give([flag('aws', [step('aws', 'live', 30), step('aws', 'shadow')])])
  await phases.start()
  const records = JSON.parse(JSON.stringify(await memory.load()))
  const restarted = build(t, { memory: makeVolatileMemory(records) })
  await restarted.phases.start()
  for (const customer of ['a', 'b', 'c', 'd', 'e', 'f']) {
    assert.equal(restarted.phases.decide('aws', customer).effective, phases.decide('aws', customer).effective)
  }
  const foreign = build(t, { memory: makeVolatileMemory([{ integration: 'aws', phase: 'live' } as never]) })
  await assert.rejects(foreign.phases.start(), (error) => isFault(error) && error.code === 'phase-memory-unavailable')
})

test('the same flags given again move nothing and are not remembered again', async (t) => {
  const durable = makeVolatileMemory()
  let writes = 0
  const memory: PhaseMemory = {
    load: () => durable.load(),
    remember: (records) => {
      writes += records.length
      return durable.remember(records)
    },
  }
  const { phases, source } = build(t, { memory })
  source.give([at('aws', 'live')])
  await phases.start()
  phases.events.on('moved', () => assert.fail('nothing moves'))
  const settled = once(phases.events, 'settled')
  const { strategies, ...rest } = at('aws', 'live')
  source.give([{ strategies, ...rest, description: 'new words', impressionData: true }])
  await settled
  assert.equal(writes, 1)
})
