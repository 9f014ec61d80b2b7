import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { systemClock } from '../../core/clock.ts'
import { makeCapBook } from '../../flags/caps.ts'
import { makeCohorts } from '../../flags/cohorts.ts'
import { flagsConfigSchema } from '../../flags/config.ts'
import { makeFlagFile, writeFlagFile } from '../../flags/flag-file.ts'
import { makeFlagSource } from '../../flags/make-source.ts'
import { makeVolatileMemory, type PhaseMemory } from '../../flags/memory.ts'
import { makeFlagsMetrics } from '../../flags/metrics.ts'
import { observeFlags } from '../../flags/observe.ts'
import { makePhases } from '../../flags/phases.ts'
import { flagsFolder } from './at-hand.ts'

async function running(t: TestContext, path: string, memory: PhaseMemory) {
  const config = flagsConfigSchema.parse({ source: 'file', path })
  const source = await makeFlagSource(config, { clock: systemClock, instance: 'test' })
  const caps = makeCapBook()
  const registry = new Registry()
  const metrics = makeFlagsMetrics(registry)
  const phases = makePhases({
    source,
    caps,
    memory,
    metrics,
    clock: systemClock,
    cohorts: makeCohorts([{ name: 'general', kind: 'rest' }]),
    integrations: ['aws', 'github'],
    pin: () => null,
    maxMoves: null,
  })
  const forget = observeFlags({ source, phases, caps, gates: { holds: () => [] }, metrics })
  t.after(async () => {
    forget()
    await phases.stop()
    await source.stop()
  })
  await phases.start()
  return { source, caps, phases, registry }
}

test('flags set moves an integration through every phase and back, each in well under a second', async (t) => {
  const { path } = await flagsFolder(t)
  await writeFlagFile(path, { integrations: ['aws', 'github'], environment: 'embedded' })
  const { phases } = await running(t, path, makeVolatileMemory())
  const file = makeFlagFile(path)
  for (const phase of ['dualwrite', 'shadow', 'live', 'rampdown', 'complete', 'off'] as const) {
    const moved = once(phases.events, 'moved', { signal: AbortSignal.timeout(1_000) })
    await file.set([{ integration: 'aws', phase }])
    await moved
    assert.equal(phases.decide('aws', 'acme').effective, phase)
    assert.equal(phases.decide('github', 'acme').effective, 'off')
  }
})

test('a restart without the flags file keeps every phase, and an integration that never left off is off', async (t) => {
  const { path } = await flagsFolder(t)
  await writeFlagFile(path, { integrations: ['aws'], environment: 'embedded', phase: 'live' })
  const memory = makeVolatileMemory()
  const before = await running(t, path, memory)
  assert.equal(before.phases.decide('aws', 'acme').source, 'flag')
  await before.phases.stop()
  await before.source.stop()
  await rm(path)

  const { phases, registry } = await running(t, path, memory)
  const held = phases.decide('aws', 'acme')
  assert.deepEqual([held.effective, held.source], ['live', 'held'])
  assert.match(held.reason, /ENOENT/)
  assert.deepEqual(
    [phases.decide('github', 'acme').effective, phases.decide('github', 'acme').source],
    ['off', 'initial'],
  )
  const text = await registry.metrics()
  assert.match(text, /crossfade_flag_source_stale 1/)
  assert.match(text, /crossfade_flag_held_integrations\{reason="source"\} 2/)
})

test('the metrics show the source, what is held and the caps at the moment of the scrape', async (t) => {
  const { path, write } = await flagsFolder(t)
  await writeFlagFile(path, { integrations: ['aws', 'github'], environment: 'embedded' })
  const { registry, caps, source } = await running(t, path, makeVolatileMemory())
  caps.add({ integration: '*', cohort: null, kind: 'rollback', phase: 'off', reason: 'r', by: 'me', at: 1 })
  const well = await registry.metrics()
  assert.match(well, /crossfade_flag_source_stale 0/)
  assert.match(well, /crossfade_caps\{kind="rollback"\} 1/)
  assert.match(well, /crossfade_flag_source_last_success_timestamp_seconds 1[0-9]{9}/)
  const problem = once(source.events, 'problem')
  await write('{')
  await problem
  assert.match(await registry.metrics(), /crossfade_flag_source_problems_total\{problem="malformed"\} 1/)
})
