import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { loadConfig, readConfig } from '../../bin/config/load.ts'
import { effectiveConfig, printConfig } from '../../bin/config/print.ts'
import { readSchemaFile, renderSchemaFile } from '../../bin/config/schema-file.ts'
import { isFault } from '../../core/fault.ts'
import { PROJECT, readProjectFile } from '../support/project.ts'
import { CONFIGURATION_PAGE, renderConfigurationPage } from './configuration-page.ts'

const EXAMPLE = join(PROJECT, 'crossfade.example.yaml')

/** The example with some of its text replaced; every replacement must take place. */
async function variant(t: TestContext, replacements: readonly (readonly [string, string])[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-config-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  let text = await readFile(EXAMPLE, 'utf8')
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `the example lacks ${from}`)
    text = text.replace(from, to)
  }
  await writeFile(join(folder, 'crossfade.yaml'), text)
  return join(folder, 'crossfade.yaml')
}

async function problemsOf(t: TestContext, replacements: readonly (readonly [string, string])[]) {
  const reading = readConfig(await variant(t, replacements), {})
  assert.equal(reading.kind, 'invalid')
  return reading.kind === 'invalid' ? reading.problems : []
}

test('crossfade.schema.json is that of the code; npm run docs writes it', () => {
  assert.deepEqual(readSchemaFile().split('\n'), renderSchemaFile().split('\n'))
})

test('docs/configuration.md lists the keys of the schema; npm run docs writes it', () => {
  assert.deepEqual(readProjectFile(CONFIGURATION_PAGE).split('\n'), renderConfigurationPage().split('\n'))
})

test('the example is valid, with units read, defaults merged and paths absolute', () => {
  const config = loadConfig(EXAMPLE, {})
  assert.equal(config.stores['homegrown']?.deadline, 500)
  assert.deepEqual(
    { ...config.integrations },
    {
      aws: {
        owner: 'team-cloud',
        legacy: 'homegrown',
        new: 'vaulted',
        value: 'bytes',
        max_size: 65_536,
        gates: { live: { soak: 3 * 86_400_000 } },
      },
      github: { owner: 'team-dev', legacy: 'homegrown', new: 'vaulted', value: 'json', max_size: 65_536, gates: {} },
    },
  )
  assert.deepEqual(config.gates.shadow, { copied: 1 })
  assert.deepEqual(config.listen.clients.address, { host: '0.0.0.0', port: 8700 })
})

test('all problems are reported at once, each with its place and what to do', async (t) => {
  const problems = await problemsOf(t, [
    ['deadline: 500ms', 'deadlin: 500ms'],
    ['kind: sealed', 'kind: seald'],
    ['refresh: 1s', 'refresh: soon'],
    ['new: vaulted', 'new: valted'],
    ['identity:', 'identiti:'],
    ['max_connections: 10', 'max_connections: ten'],
  ])
  assert.deepEqual(
    problems.map(({ path, message }) => `${path}: ${message}`),
    [
      'identity: missing; expected an object',
      'ledger.max_connections: expected number, received string',
      'stores.homegrown.deadlin: unknown key; did you mean deadline?',
      'stores.vaulted.kind: expected postgres or sealed or vault-kv or memory',
      'flags.refresh: expected a number with a unit, for example 250ms, 5s, 1h or 7d',
      'integrations.defaults.new: there is no such store below stores; did you mean vaulted?',
      'identiti: unknown key; did you mean identity?',
    ],
  )
})

test('a place is the line and column of the key or the value', async (t) => {
  const file = await variant(t, [['deadline: 500ms', 'deadlin: 500ms']])
  const lines = (await readFile(file, 'utf8')).split('\n')
  const line = lines.findIndex((text) => text.includes('deadlin:')) + 1
  const reading = readConfig(file, {})
  assert.deepEqual(reading.kind === 'invalid' && reading.problems.map((p) => [p.line, p.column]), [[line, 5]])
})

test('a password in a URL is refused, also when a variable brings it, and never repeated', async (t) => {
  const file = await variant(t, [['crossfade@legacy-db', '${WHO}@legacy-db']])
  assert.throws(
    () => loadConfig(file, { WHO: 'crossfade:open-sesame' }),
    (error) => {
      assert.ok(isFault(error))
      assert.equal(error.code, 'config-invalid')
      assert.match(error.detail, /stores\.homegrown\.url: a password in a URL is refused/)
      assert.doesNotMatch(error.message, /open-sesame/)
      return true
    },
  )
})

test('a variable that is not set is an error, unless a default is written', async (t) => {
  const [problem] = await problemsOf(t, [['${LEDGER_HOST:-127.0.0.1}', '${LEDGER_HOST}']])
  assert.match(problem?.message ?? '', /^\$\{LEDGER_HOST\} is not set/)
  assert.match(loadConfig(EXAMPLE, { LEDGER_HOST: 'db1' }).ledger.url, /@db1:5432/)
  assert.match(loadConfig(EXAMPLE, {}).ledger.url, /@127\.0\.0\.1:5432/)
})

test('a variable may stand for a number', async (t) => {
  const file = await variant(t, [['max_connections: 10', 'max_connections: ${POOL}']])
  assert.equal(loadConfig(file, { POOL: '25' }).ledger.max_connections, 25)
})

test('an integration whose two sides are one store is refused', async (t) => {
  const [problem] = await problemsOf(t, [['owner: team-cloud', 'owner: team-cloud, new: homegrown']])
  assert.equal(problem?.path, 'integrations.aws')
})

test('text that is no YAML is reported with its place, and nothing else is guessed', async (t) => {
  const problems = await problemsOf(t, [['version: 1', 'version: [1']])
  assert.notEqual(problems.length, 0)
  assert.ok(problems.every(({ path, line }) => path === '' && line > 1))
})

test('what is printed can be used in the place of the file, and means the same', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-config-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const printed = join(folder, 'printed.yaml')
  await writeFile(printed, printConfig(EXAMPLE, {}))
  assert.deepEqual(loadConfig(printed, {}), loadConfig(EXAMPLE, {}))
})

test('defaults are printed with their units', () => {
  const printed = effectiveConfig(EXAMPLE, {}) as { ledger: Record<string, unknown> }
  assert.equal(printed.ledger['operation_lease'], '5s')
  assert.equal(parse(printConfig(EXAMPLE, {})).stores.homegrown.max_size, '1MiB')
})
