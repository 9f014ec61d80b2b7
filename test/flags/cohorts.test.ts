import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFault } from '../../core/fault.ts'
import { makeGlob } from '../../core/glob.ts'
import { loadCohortRules, parseCustomers } from '../../flags/cohort-files.ts'
import { makeCohorts } from '../../flags/cohorts.ts'
import { cohortsConfigSchema, flagsConfigSchema } from '../../flags/config.ts'

test('the first cohort that matches wins, and the last takes the rest', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-cohorts-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'pilot.txt')
  await writeFile(file, '# the pilot\nacme\n\n  eu-bank  \n')
  const config = cohortsConfigSchema.parse([
    { name: 'dogfood', customers: ['our-own'] },
    { name: 'pilot', customers_file: file },
    { name: 'wave-1', pattern: 'eu-*' },
    { name: 'general', rest: true },
  ])
  const cohorts = makeCohorts(await loadCohortRules(config))
  assert.deepEqual(cohorts.names, ['dogfood', 'pilot', 'wave-1', 'general'])
  const found = ['our-own', 'acme', 'eu-bank', 'eu-other', 'us-other'].map((customer) => cohorts.of(customer))
  assert.deepEqual(found, ['dogfood', 'pilot', 'pilot', 'wave-1', 'general'])
})

test('a list of customers may have comments and blank lines, and line ends of any system', () => {
  assert.deepEqual([...parseCustomers('a\r\n#b\n\n c \n')], ['a', 'c'])
})

test('a list that is not there is an error that names the cohort and the file', async () => {
  const load = loadCohortRules([{ name: 'pilot', customers_file: '/nowhere/pilot.txt' }])
  await assert.rejects(load, (error) => {
    assert.ok(isFault(error) && error.code === 'cohort-file-unreadable')
    assert.match(error.detail, /pilot: \/nowhere\/pilot\.txt/)
    return true
  })
})

const WRONG = {
  'no rest': [{ name: 'pilot', customers: ['a'] }],
  'rest before the end': [
    { name: 'general', rest: true },
    { name: 'pilot', customers: ['a'] },
  ],
  'a name twice': [
    { name: 'a', customers: ['a'] },
    { name: 'a', rest: true },
  ],
  'two ways to name members': [{ name: 'a', customers: ['a'], rest: true }],
  'an unknown key': [{ name: 'a', rest: true, colour: 'red' }],
}

for (const [what, cohorts] of Object.entries(WRONG)) {
  test(`cohorts with ${what} are refused`, () => {
    assert.equal(cohortsConfigSchema.safeParse(cohorts).success, false)
  })
}

test('without a section everybody is general', () => {
  assert.deepEqual(cohortsConfigSchema.parse(undefined), [{ name: 'general', rest: true }])
})

test('the flags section has two sources, with the defaults of each', () => {
  const file = flagsConfigSchema.parse({ source: 'file', path: 'flags.json' })
  assert.deepEqual(file, { source: 'file', path: 'flags.json', poll: 500 })
  const unleash = { source: 'unleash', url: 'https://unleash:4242/api', token_file: 't', environment: 'production' }
  const parsed = flagsConfigSchema.parse(unleash)
  assert.deepEqual(parsed, { ...unleash, refresh: 1_000, stale_after: 30_000, max_moves: 0.2 })
  assert.equal(flagsConfigSchema.safeParse({ ...unleash, token: 'x' }).success, false)
})

test('a glob matches the whole text, piece by piece', () => {
  const cases: [string, string, boolean][] = [
    ['eu-*', 'eu-1', true],
    ['eu-*', 'neu-1', false],
    ['*', '', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['a.c', 'abc', false],
    ['*-bank', 'eu-bank', true],
    ['a*b*b', 'ab', false],
    ['exact', 'exactly', false],
  ]
  for (const [pattern, text, expected] of cases)
    assert.equal(makeGlob(pattern).matches(text), expected, `${pattern} ${text}`)
})
