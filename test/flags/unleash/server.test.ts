import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../core/clock.ts'
import { makeLadder } from '../../../flags/ladder.ts'
import { readFlag } from '../../../flags/snapshot.ts'
import type { FlagSource } from '../../../flags/source.ts'
import { makeUnleashSource } from '../../../flags/unleash-source.ts'
import { startUnleash, type UnleashEnvironment, type UnleashServer } from '../../support/unleash-server.ts'
import { flagsFolder } from '../at-hand.ts'

test('a real server is started, made to hold flags, stopped and started again with them', async (t) => {
  const unleash = await startUnleash(t)
  await unleash.admin.put(makeLadder('aws', 'shadow'))
  const source = await follow(t, unleash, 'development')
  await holds(source, 'aws', 'shadow')
  await unleash.stop()
  await fails(source)
  await unleash.start()
  await unleash.admin.put(makeLadder('aws', 'dualwrite'))
  await holds(source, 'aws', 'dualwrite')
})

async function follow(t: TestContext, unleash: UnleashServer, environment: UnleashEnvironment): Promise<FlagSource> {
  const { path: tokenFile } = await flagsFolder(t)
  await writeFile(tokenFile, unleash.clientToken(environment))
  const timing = { refresh: 100, staleAfter: 30_000, clock: systemClock }
  const source = makeUnleashSource({ url: unleash.url, tokenFile, environment, instance: 'test', ...timing })
  t.after(() => source.stop())
  return source
}

/** Resolves once the source's flag of `integration` has its last rung at `phase`. */
async function holds(source: FlagSource, integration: string, phase: string): Promise<void> {
  for (;;) {
    const snapshot = source.snapshot()
    const reading = snapshot && readFlag(snapshot, integration)
    const last = reading?.kind === 'present' ? reading.definition.feature.strategies.at(-1) : undefined
    if (last?.variants[0]?.name === phase) return
    await once(source.events, 'flags')
  }
}

async function fails(source: FlagSource): Promise<void> {
  while (source.state().error === null) await once(source.events, 'state')
  assert.equal(source.state().stale, false)
}
