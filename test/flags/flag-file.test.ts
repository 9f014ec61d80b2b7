import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { isFault } from '../../core/fault.ts'
import { makeFlagFile, writeFlagFile } from '../../flags/flag-file.ts'
import { makeLadder } from '../../flags/ladder.ts'
import { document, flag, flagsFolder, step, where } from './at-hand.ts'

const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
const phases = async (path: string) =>
  Object.fromEntries(
    (await read(path)).features.map((feature: ReturnType<typeof makeLadder>) => [
      feature.name,
      feature.strategies.map(({ variants }) => variants[0]?.name),
    ]),
  )

test('a new file has one ladder an integration', async (t) => {
  const { path } = await flagsFolder(t)
  await writeFlagFile(path, { integrations: ['aws', 'github'], environment: 'embedded' })
  assert.deepEqual(await phases(path), { 'crossfade.aws': ['off'], 'crossfade.github': ['off'] })
})

test('an edit keeps every other flag and everything that it does not know', async (t) => {
  const { path, write } = await flagsFolder(t)
  const mine = { ...makeLadder('aws'), description: 'ours', impressionData: true }
  const foreign = { name: 'something.else', enabled: true, strategies: [], extra: 1 }
  await write({ ...document([mine, foreign]), meta: { revisionId: 7 } })
  await makeFlagFile(path).set([{ integration: 'aws', phase: 'live' }])
  const { features, meta } = await read(path)
  assert.deepEqual(features[1], foreign)
  assert.deepEqual([features[0].description, features[0].impressionData, meta], ['ours', true, { revisionId: 7 }])
  assert.deepEqual((await phases(path))['crossfade.aws'], ['live'])
})

test('edits at the same time are all kept, and nothing is left beside the file', async (t) => {
  const { path } = await flagsFolder(t)
  const integrations = Array.from({ length: 20 }, (_, index) => `i-${index}`)
  await writeFlagFile(path, { integrations, environment: 'embedded' })
  const file = makeFlagFile(path)
  await Promise.all(integrations.map((integration) => file.set([{ integration, phase: 'shadow' }])))
  assert.ok(Object.values(await phases(path)).every((steps) => (steps as string[]).join() === 'shadow'))
  assert.deepEqual(await readdir(dirname(path)), ['flags.json'])
})

test('an edit of many is all or none', async (t) => {
  const { path, write } = await flagsFolder(t)
  const byHand = flag('github', [step('github', 'live'), step('github', 'off', 100, [where('customerId', 'IN', 'a')])])
  await write(document([makeLadder('aws'), byHand]))
  const before = await readFile(path, 'utf8')
  const both = makeFlagFile(path).set([
    { integration: 'aws', phase: 'live' },
    { integration: 'github', phase: 'live' },
  ])
  await assert.rejects(both, (error) => isFault(error) && error.code === 'flag-not-editable')
  assert.equal(await readFile(path, 'utf8'), before)
})

test('a malformed file is refused and left as it is, and the next edit may work', async (t) => {
  const { path, write } = await flagsFolder(t)
  await write('{"version":')
  const file = makeFlagFile(path)
  const set = () => file.set([{ integration: 'aws', phase: 'live' }])
  await assert.rejects(set(), (error) => isFault(error) && error.code === 'flags-file-malformed')
  assert.equal(await readFile(path, 'utf8'), '{"version":')
  await write(document([]))
  await set()
  assert.deepEqual(await phases(path), { 'crossfade.aws': ['live'] })
})
