import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../core/clock.ts'
import { makeFileSource } from '../../flags/file-source.ts'
import { makeLadder } from '../../flags/ladder.ts'
import { readFlag } from '../../flags/snapshot.ts'
import type { FlagSource } from '../../flags/source.ts'
import { makeDrivenClock } from '../access/driven-clock.ts'
import { document, flagsFolder } from './at-hand.ts'

async function sourceOf(t: TestContext, path: string, environment: string | null = null): Promise<FlagSource> {
  const source = await makeFileSource({ path, environment, clock: systemClock })
  t.after(() => source.stop())
  return source
}

const phaseIn = (source: FlagSource, integration: string) => {
  const snapshot = source.snapshot()
  const reading = snapshot === null ? null : readFlag(snapshot, integration)
  return reading?.kind === 'present' ? reading.definition.feature.strategies[0]?.variants[0]?.name : reading?.kind
}

test('a file is read before the source is given out', async (t) => {
  const { path, write } = await flagsFolder(t)
  await write(document([makeLadder('aws', 'shadow')]))
  const source = await sourceOf(t, path)
  assert.equal(phaseIn(source, 'aws'), 'shadow')
  assert.deepEqual([source.state().stale, source.state().error], [false, null])
})

test('a file that is renamed over the old one takes effect in well under a second', async (t) => {
  const { path, write } = await flagsFolder(t)
  await write(document([makeLadder('aws', 'shadow')]))
  const source = await sourceOf(t, path)
  for (const phase of ['live', 'off', 'complete'] as const) {
    const changed = once(source.events, 'flags', { signal: AbortSignal.timeout(1_000) })
    await write(document([makeLadder('aws', phase)]))
    await changed
    assert.equal(phaseIn(source, 'aws'), phase)
  }
})

test('a file that is written in place takes effect too', async (t) => {
  const { path, write } = await flagsFolder(t)
  await write(document([makeLadder('aws', 'shadow')]))
  const source = await sourceOf(t, path)
  const changed = once(source.events, 'flags', { signal: AbortSignal.timeout(1_500) })
  await writeFile(path, JSON.stringify(document([makeLadder('aws', 'rampdown')])))
  await changed
  assert.equal(phaseIn(source, 'aws'), 'rampdown')
})

const BROKEN = {
  'cut off in the middle': '{"version":2,"features":[{"na',
  empty: '',
  'of another format': '{"flags":[]}',
  'of another environment': JSON.stringify(document([], { query: { environment: 'production' } })),
}

for (const [what, text] of Object.entries(BROKEN)) {
  test(`a file that is ${what} keeps the flags before it, says so, and a good one heals it`, async (t) => {
    const { path, write } = await flagsFolder(t)
    await write(document([makeLadder('aws', 'shadow')]))
    const source = await sourceOf(t, path, 'development')
    const problem = once(source.events, 'problem')
    await write(text)
    const [, detail] = await problem
    assert.equal(phaseIn(source, 'aws'), 'shadow')
    assert.equal(source.state().stale, true)
    assert.equal(source.state().error, detail)
    assert.ok(detail.startsWith(path))
    const healed = once(source.events, 'flags')
    await write(document([makeLadder('aws', 'live')]))
    await healed
    assert.deepEqual([source.state().stale, source.state().error], [false, null])
  })
}

test('a file that is restored as it was ends the trouble without a change', async (t) => {
  const { path, write } = await flagsFolder(t)
  await write(document([makeLadder('aws', 'shadow')]))
  const source = await sourceOf(t, path)
  const problem = once(source.events, 'problem')
  await rm(path)
  await problem
  assert.equal(phaseIn(source, 'aws'), 'shadow')
  const healed = once(source.events, 'state')
  source.events.on('flags', () => assert.fail('nothing changed'))
  await write(document([makeLadder('aws', 'shadow')]))
  await healed
  assert.equal(source.state().stale, false)
})

test('a source may start before its file is there', async (t) => {
  const { path, write } = await flagsFolder(t)
  const source = await sourceOf(t, path)
  assert.equal(source.snapshot(), null)
  assert.equal(source.state().stale, true)
  const changed = once(source.events, 'flags')
  await write(document([makeLadder('aws', 'live')]))
  await changed
  assert.equal(phaseIn(source, 'aws'), 'live')
})

test('a folder that cannot be watched is polled', async (t) => {
  const { path, write } = await flagsFolder(t)
  const folder = path.replace('flags.json', 'later')
  const clock = makeDrivenClock()
  const late = `${folder}/flags.json`
  const source = await makeFileSource({ path: late, poll: 500, clock })
  t.after(() => source.stop())
  const { mkdir, rename } = await import('node:fs/promises')
  await mkdir(folder)
  await write(document([makeLadder('aws', 'live')]))
  await rename(path, late)
  const changed = once(source.events, 'flags')
  await clock.advance(500)
  await changed
  assert.equal(phaseIn(source, 'aws'), 'live')
})
