import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { flagName } from '../../../flags/definition.ts'
import { makeLadder, writeLadder } from '../../../flags/ladder.ts'
import { lintFlag } from '../../../flags/lint.ts'
import { makeVolatileMemory } from '../../../flags/memory.ts'
import { readFlag } from '../../../flags/snapshot.ts'
import type { FlagSource } from '../../../flags/source.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'
import { startUnleash } from '../../support/unleash-server.ts'
import { date, flag, step, where } from '../at-hand.ts'
import { decided, follow, openSource } from './followed.ts'

/*
 * What a real server answers that would surprise, and what is made of it. One server for all; an integration for each.
 */

/** The definition of an integration once `wanted` holds of it; the source need not be followed. */
async function read(source: FlagSource, integration: string) {
  for (;;) {
    const snapshot = source.snapshot()
    const reading = snapshot && readFlag(snapshot, integration)
    if (reading && reading.kind !== 'missing') return reading
    await once(source.events, 'flags')
  }
}

const everybody = Array.from({ length: 2_000 }, (_, index) => `customer-${index}`)

test('a real Unleash server', async (t) => {
  const unleash = await startUnleash(t)
  const { admin } = unleash
  const { source } = await openSource(t, { url: unleash.url, token: unleash.clientToken('development') })

  await t.test(
    'widening a step of a ladder moves customers between adjacent phases only, and nobody else',
    async (t) => {
      const ladder = (shadow: number) =>
        writeLadder({
          integration: 'ladder',
          pins: [],
          cohorts: new Map(),
          rest: [
            { phase: 'live', percent: 10 },
            { phase: 'shadow', percent: shadow },
            { phase: 'dualwrite', percent: 60 },
            { phase: 'off', percent: 100 },
          ],
        })
      const ids = await admin.put(ladder(20))
      const phases = await follow(t, source, { integrations: ['ladder'] })
      // A flag is switched off until all of it is written.
      await decided(phases, 'ladder', ({ matched }) => matched !== null)
      const before = everybody.map((customer) => phases.decide('ladder', customer).effective)
      const moved = once(phases.events, 'moved')
      await admin.patchStrategy(flagName('ladder'), ids[1] as string, [
        { op: 'replace', path: '/parameters/rollout', value: '25' },
      ])
      await moved
      const after = everybody.map((customer) => phases.decide('ladder', customer).effective)
      const moves = before.flatMap((from, index) => (from === after[index] ? [] : [[from, after[index]].join(' to ')]))
      assert.deepEqual([...new Set(moves)], ['dualwrite to shadow'])
      assert.ok(moves.length > 60 && moves.length < 140, `${moves.length} of 2000 moved, 5 % were asked for`)
    },
  )

  await t.test('weighted variants come sorted by name, so that shares skip phases: lint refuses them', async () => {
    const variant = (name: string, weight: number) => ({
      name,
      weight,
      weightType: 'variable',
      stickiness: 'customerId',
    })
    const weighted = [variant('shadow', 500), variant('dualwrite', 300), variant('complete', 200)]
    await admin.put(flag('weighted', [{ ...step('weighted', 'off'), variants: weighted }]))
    const reading = await read(source, 'weighted')
    assert.equal(reading.kind, 'present')
    if (reading.kind !== 'present') return
    const { feature } = reading.definition
    const names = feature.strategies[0]?.variants.map(({ name }) => name)
    assert.deepEqual(names, ['complete', 'dualwrite', 'shadow'])
    const codes = lintFlag(feature, { segments: new Map(), cohorts: null }).map(({ code }) => code)
    assert.ok(codes.includes('variant-count'))
  })

  await t.test(
    'variants that nothing is sticky on would be drawn anew at each call: such a flag is not followed',
    async (t) => {
      const variants = ['live', 'shadow'].map((name) => ({
        name,
        weight: 500,
        weightType: 'variable',
        stickiness: 'default',
      }))
      await admin.put(flag('drawn', [{ name: 'default', parameters: {}, constraints: [], segments: [], variants }]))
      const phases = await follow(t, source, { integrations: ['drawn'] })
      const decision = await decided(phases, 'drawn', ({ reason }) => /not sticky on customerId/.test(reason))
      assert.deepEqual([decision.effective, decision.source], ['off', 'initial'])
    },
  )

  await t.test('without a customer nobody is drawn for: the phase is not taken from the flag', async (t) => {
    await admin.put(makeLadder('nameless', 'live'))
    const phases = await follow(t, source, { integrations: ['nameless'] })
    await decided(phases, 'nameless', ({ effective }) => effective === 'live')
    assert.deepEqual(
      [phases.decide('nameless', '').effective, phases.decide('nameless', '').source],
      ['off', 'initial'],
    )
  })

  await t.test(
    'a flag that is switched on without a strategy is given one by the server: it names no phase, and moves nobody',
    async (t) => {
      await admin.put(makeLadder('bare', 'shadow'))
      const phases = await follow(t, source, { integrations: ['bare'] })
      await decided(phases, 'bare', ({ effective }) => effective === 'shadow')
      await admin.put(flag('bare', []))
      const decision = await decided(phases, 'bare', ({ source: from }) => from === 'held')
      assert.deepEqual([decision.effective, /names no phase/.test(decision.reason)], ['shadow', true])
      const [added] = await admin.strategies(flagName('bare'))
      assert.deepEqual([added?.name, added?.parameters['stickiness']], ['flexibleRollout', 'default'])
    },
  )

  await t.test('a rollout of 150 is taken by the server, and found by lint', async () => {
    await admin.put(flag('beyond', [step('beyond', 'dualwrite', 150)]))
    const reading = await read(source, 'beyond')
    assert.ok(reading.kind === 'present')
    assert.equal(reading.definition.feature.strategies[0]?.parameters['rollout'], '150')
    const [found] = lintFlag(reading.definition.feature, { segments: new Map(), cohorts: null })
    assert.equal(found?.code, 'rollout-out-of-range')
  })

  await t.test('switched off is off; archived is missing, and the last known phase stands', async (t) => {
    await admin.put(makeLadder('known', 'live'))
    const phases = await follow(t, source, { integrations: ['known'] })
    await decided(phases, 'known', ({ effective }) => effective === 'live')
    await admin.turn(flagName('known'), 'off')
    const off = await decided(phases, 'known', ({ effective }) => effective === 'off')
    assert.deepEqual([off.source, off.reason], ['flag', 'the flag is switched off'])
    await admin.turn(flagName('known'), 'on')
    await decided(phases, 'known', ({ effective }) => effective === 'live')
    await admin.archive(flagName('known'))
    const held = await decided(phases, 'known', ({ source: from }) => from === 'held')
    assert.deepEqual([held.effective, /missing/.test(held.reason)], ['live', true])
  })

  await t.test(
    'a parent that is not satisfied disables the flag without switching it off: the last known phase stands',
    async (t) => {
      await admin.put(makeLadder('child', 'shadow'))
      await admin.put({ ...makeLadder('child', 'off'), name: 'kill-switch', enabled: false })
      await admin.addParent(flagName('child'), 'kill-switch', false)
      const phases = await follow(t, source, { integrations: ['child'] })
      await decided(phases, 'child', ({ effective }) => effective === 'shadow')
      const [parent] =
        (await read(source, 'child').then((r) => (r.kind === 'present' ? r.definition.parents : []))) ?? []
      assert.equal(parent?.name, 'kill-switch')
      await admin.turn('kill-switch', 'on')
      const held = await decided(phases, 'child', ({ source: from }) => from === 'held')
      assert.equal(held.effective, 'shadow')
      await admin.turn('kill-switch', 'off')
      assert.equal((await decided(phases, 'child', ({ source: from }) => from === 'flag')).effective, 'shadow')
    },
  )

  await t.test('the server names a parent once a strategy of the child; it is read once', async () => {
    await admin.put(makeLadder('twice-parent', 'off'))
    await admin.put(flag('twice', [step('twice', 'live', 30), step('twice', 'off')]))
    await admin.addParent(flagName('twice'), flagName('twice-parent'))
    for (;;) {
      const reading = await read(source, 'twice')
      const count = reading.kind === 'present' ? reading.definition.feature.dependencies.length : 0
      if (count > 0) return assert.equal(count, 1)
      await once(source.events, 'flags')
    }
  })

  await t.test('a segment comes by its number and pins whom it names, above every step', async (t) => {
    const id = await admin.addSegment('frozen', [where('customerId', 'IN', 'acme', 'beta')])
    await admin.put(flag('pinned', [{ ...step('pinned', 'off'), segments: [id] }, step('pinned', 'live')]))
    const phases = await follow(t, source, { integrations: ['pinned'] })
    await decided(phases, 'pinned', ({ effective }) => effective === 'live', 'other')
    assert.deepEqual(phases.decide('pinned', 'acme').matched, { index: 0, title: null })
    assert.equal(phases.decide('pinned', 'beta').effective, 'off')
    const reading = await read(source, 'pinned')
    assert.ok(reading.kind === 'present')
    assert.deepEqual(reading.definition.feature.strategies[0]?.constraints, [], 'not inlined')
  })

  await t.test(
    'a strategy with a date takes effect when the date passes, without an answer of the server',
    async (t) => {
      const clock = makeDrivenClock()
      const due = clock.wall() + 3_600_000
      await admin.put(flag('dated', [step('dated', 'live', 100, [date('DATE_AFTER', due)]), step('dated', 'shadow')]))
      const phases = await follow(t, source, { integrations: ['dated'], clock })
      await decided(phases, 'dated', ({ effective }) => effective === 'shadow')
      await clock.advance(3_599_999)
      assert.equal(phases.decide('dated', 'acme').effective, 'shadow')
      await clock.advance(1_001)
      assert.equal(phases.decide('dated', 'acme').effective, 'live')
    },
  )

  await t.test('every operator that the server offers comes through and is judged', async (t) => {
    const offered = {
      IN: where('customerId', 'IN', 'acme'),
      NOT_IN: where('customerId', 'NOT_IN', 'beta'),
      STR_STARTS_WITH: where('customerId', 'STR_STARTS_WITH', 'ac'),
      STR_ENDS_WITH: where('customerId', 'STR_ENDS_WITH', 'me'),
      STR_CONTAINS: { ...where('customerId', 'STR_CONTAINS', 'CM'), caseInsensitive: true },
      REGEX: { ...where('customerId', 'REGEX'), value: '^ac' },
      'inverted IN': { ...where('cohort', 'IN', 'general'), inverted: true },
    }
    for (const [name, constraint] of Object.entries(offered)) {
      const integration = name.toLowerCase().replaceAll(/\W|_/g, '-')
      await admin.put(flag(integration, [step(integration, 'live', 100, [constraint]), step(integration, 'off')]))
    }
    const integrations = Object.keys(offered).map((name) => name.toLowerCase().replaceAll(/\W|_/g, '-'))
    const phases = await follow(t, source, { integrations })
    for (const integration of integrations) {
      await decided(phases, integration, ({ effective }) => effective === 'live')
      assert.equal(phases.decide(integration, 'beta').effective, 'off', integration)
    }
  })

  await t.test('impression data and descriptions are no part of what is followed or remembered', async () => {
    await admin.addFlag(flagName('impressive'), { impressionData: true })
    await admin.put(makeLadder('impressive', 'live'))
    const reading = await read(source, 'impressive')
    assert.ok(reading.kind === 'present')
    assert.deepEqual(Object.keys(reading.definition.feature).sort(), [
      'dependencies',
      'enabled',
      'name',
      'strategies',
      'variants',
    ])
  })

  await t.test('one call that switches many flags off is held by max_moves until it is let through', async (t) => {
    const integrations = ['many-a', 'many-b', 'many-c']
    for (const integration of integrations) await admin.put(makeLadder(integration, 'shadow'))
    const memory = makeVolatileMemory()
    const before = await follow(t, source, { integrations, memory })
    for (const integration of integrations)
      await decided(before, integration, ({ effective }) => effective === 'shadow')
    await before.stop()
    const phases = await follow(t, source, { integrations, memory, maxMoves: 0.5 })
    const held = once(phases.events, 'held')
    const features = integrations.map(flagName)
    await admin.request('POST', '/api/admin/projects/default/bulk_features/environments/development/off', { features })
    assert.deepEqual(await held, [{ moves: integrations, limit: 1 }])
    const decision = phases.decide('many-a', 'acme')
    assert.deepEqual([decision.effective, decision.source], ['shadow', 'held'])
    assert.equal((await phases.acceptHeld())?.moves.length, 3)
    assert.equal(phases.decide('many-a', 'acme').effective, 'off')
  })
})
