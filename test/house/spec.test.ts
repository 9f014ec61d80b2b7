import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SCENARIOS } from '../../bench/scenarios.ts'
import { SIDES, type Side } from '../../core/side.ts'
import { PHASES, PLANS } from '../../flags/phase.ts'
import { busSection, ledgerSection } from '../../ledger/config.ts'
import { INTEGRATION_STATES, type IntegrationState, QUARANTINE_REASONS } from '../../ledger/ledger.ts'
import { admitted, isBare } from '../../proxy/core/context.ts'
import { type Route, route } from '../../proxy/core/route.ts'
import { PROJECT, projectFiles, readProjectFile } from '../support/project.ts'

/** What the pages say, held to the code as far as a machine can read it. */
const spec = readProjectFile('SPEC.md')
const architecture = readProjectFile('ARCHITECTURE.md')

/** The cells of the first table that follows `heading`, without its two head lines. */
function tableAfter(page: string, heading: string): readonly (readonly string[])[] {
  const start = page.indexOf(heading)
  assert.ok(start >= 0, `no ${heading}`)
  const lines = page.slice(start).split('\n')
  const first = lines.findIndex((line) => line.startsWith('|'))
  const rows = lines.slice(first)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** Lines of a test file that name a test or a check. */
const namesIn = (file: string): string =>
  readProjectFile(file)
    .split('\n')
    .filter((line, at, all) => /\b(?:test|t\.test)\(|\bname:/.test(`${all[at - 1] ?? ''}${line}`))
    .join('\n')
    .replaceAll("\\'", "'")

const enforcements = [...spec.matchAll(/^- `(test\/[\w./-]+\.ts)`: (.+)$/gm)].flatMap(([, file = '', names = '']) =>
  [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name })),
)

test('every test that SPEC.md names as enforcing an invariant exists under that name', () => {
  assert.notEqual(enforcements.length, 0)
  const missing = enforcements.filter(({ file, name }) => !namesIn(file).includes(name))
  assert.deepEqual(missing, [])
})

test('every invariant says its mechanism and what enforces it', () => {
  const sections = spec.split(/^### (?=I\d+ )/m).slice(1)
  assert.deepEqual(
    sections.map((section) => section.match(/^I\d+/)?.[0]),
    Array.from({ length: 11 }, (_, at) => `I${at + 1}`),
  )
  for (const section of sections) {
    const name = section.split('\n', 1)[0]
    assert.match(section, /^\*Mechanism\.\* \S/m, name)
    assert.match(section, /^\*Enforced by\*\n- `test\//m, name)
  }
})

const phaseTable = PHASES.map((phase) => {
  const { read, shadowRead, first, second } = PLANS[phase]
  return [phase, read, shadowRead ?? '-', first, second ?? '-']
})

test('the table of phases is PLANS, in SPEC.md and in README.md', () => {
  assert.deepEqual(tableAfter(spec, '## 2. Phases'), phaseTable)
  assert.deepEqual(
    tableAfter(readProjectFile('README.md'), '## Phases').map((row) => row.slice(0, 5)),
    phaseTable,
  )
})

test('the table of the row lists the columns of the ledger, and every reason of quarantine', () => {
  const sql = readProjectFile('ledger/postgres/sql/001-tables.sql')
  const body = sql.slice(sql.indexOf('create table crossfade.secret ('))
  const columns = [
    ...body
      .slice(0, body.indexOf('primary key'))
      .matchAll(/^ {2}([a-z_]+) +(?:text|bigint|boolean|jsonb|integer|timestamptz)\b/gm),
    ...projectFiles('ledger/postgres/sql/*.sql').flatMap((file) => [
      ...readProjectFile(file).matchAll(/alter table crossfade\.secret add column ([a-z_]+)/g),
    ]),
  ]
  const rows = tableAfter(spec, '## 3. The ledger row')
  const described = rows.flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name))
  assert.deepEqual(
    described,
    columns.map(([, name]) => name),
  )
  const quarantine = rows.find(([name]) => name === '`quarantine`')?.[1] ?? ''
  assert.deepEqual(
    [...quarantine.matchAll(/`([a-z_-]+)`/g)].map(([, reason]) => reason).filter((reason) => reason !== 'begin'),
    [...QUARANTINE_REASONS],
  )
})

const routeRows = tableAfter(spec, 'Where a read goes first')
const KNOWN_DEBTS = [...SIDES, 'none'] as const

/** The first row of the table that applies, as `route` would say it. */
function tabled(state: IntegrationState, trusted: boolean, debt: Side | 'none', reads: Side, mark: boolean): string {
  const facts = [state, trusted ? 'yes' : 'no', debt, reads, mark ? 'yes' : 'no']
  const row = routeRows.find((cells) =>
    facts.every((fact, at) => cells[at] === 'any' || cells[at]?.split(', ').includes(fact)),
  )
  return row?.[5] ?? 'no row'
}

const said = (answer: Route): string => (answer.kind === 'ask' ? `ask: ${answer.why}` : `read ${answer.side}`)

test('the table of reads is route', () => {
  for (const state of INTEGRATION_STATES) {
    for (const trusted of [true, false]) {
      for (const debt of KNOWN_DEBTS) {
        for (const reads of SIDES) {
          for (const inventoried of [true, false]) {
            const knows = { state, trusted, inventoried, debt: debt === 'none' ? undefined : debt }
            const at = `${state}, trusted ${trusted}, debt ${debt}, phase reads ${reads}, mark ${inventoried}`
            assert.equal(tabled(state, trusted, debt, reads, inventoried), said(route(knows, reads)), at)
          }
        }
      }
    }
  }
})

test('the table of states lists each state, its pinned phase, and where the ledger is not written', () => {
  const rows = tableAfter(spec, '## 9. Life of an integration')
  assert.deepEqual(
    rows.map(([state]) => state),
    [...INTEGRATION_STATES],
  )
  const sql = readProjectFile('ledger/postgres/sql/050-stages.sql')
  const rule = sql.slice(sql.indexOf('function crossfade.may_follow'), sql.indexOf('$$;'))
  const moves = [...rule.matchAll(/\('([a-z-]+)', '([a-z-]+)'\)/g)].map(([, was, next]) => `${was} -> ${next}`)
  const listed = rows.flatMap(([state, , , , , next = '']) =>
    next === '-' ? [] : next.split(', ').map((to) => `${state} -> ${to}`),
  )
  assert.deepEqual([...listed].sort(), [...moves].sort())
  for (const [name = '', phase = '', , , writes = ''] of rows) {
    const state = name as IntegrationState
    const pinned = new Set(PHASES.map((asked) => admitted(state, asked)))
    assert.equal(phase, pinned.size === 1 ? [...pinned][0] : "the flag's, under caps", name)
    assert.equal(writes.endsWith('no ledger'), isBare(state), name)
  }
})

test('every file that ARCHITECTURE.md names exists, and holds what the page says it holds', () => {
  const files = [...architecture.matchAll(/`((?:[a-z-]+\/)+[\w.-]*)`/g)].map(([, file = '']) => file)
  assert.notEqual(files.length, 0)
  assert.deepEqual(
    [...new Set(files)].filter((file) => !existsSync(join(PROJECT, file))),
    [],
  )
  const named = [...architecture.matchAll(/`(\w+)`\s+\(`([\w./-]+\.(?:ts|sql))`\)/g)]
  assert.notEqual(named.length, 0)
  assert.deepEqual(
    named
      .filter(([, name = '', file = '']) => !new RegExp(`\\b${name}\\b`).test(readProjectFile(file)))
      .map(([, name, file]) => `${file}: ${name}`),
    [],
  )
})

test('the leases that SPEC.md quotes are the defaults, and a write outlives the wait for a silent replica', () => {
  const ledger = ledgerSection.parse({ url: 'postgres://ledger', fingerprint_key_file: 'key' })
  const bus = busSection.parse({ url: 'redis://bus' })
  const quoted = (what: RegExp): number => Number(spec.match(what)?.[1]) * 1000
  assert.equal(quoted(/`replica_lease` \((\S+) s by default\)/), ledger.replica_lease)
  assert.equal(quoted(/`operation_lease` \((\S+) s\)/), ledger.operation_lease)
  assert.equal(quoted(/`bus.patience` \((\S+) s by default/), bus.patience)
  assert.ok(bus.patience + ledger.replica_lease < ledger.operation_lease)
})

test('the metrics and verbs that the runbook names are there, and CONTRIBUTING.md names every benchmark', () => {
  const runbook = readProjectFile('docs/runbook.md')
  const declared = projectFiles('**/metrics.ts').map(readProjectFile).join()
  const metrics = runbook.match(/\bcrossfade_\w+/g) ?? []
  assert.notEqual(metrics.length, 0)
  assert.deepEqual(
    metrics.filter((name) => !declared.includes(`'${name}'`)),
    [],
  )
  const cli = readProjectFile('docs/cli.md')
  const verbs = [
    ...runbook.matchAll(
      /\bcrossfade ((?:config |flags |replicas |workers |quarantine |keys |gates |integrations )?[a-z]+)/g,
    ),
  ].map(([, verb]) => verb)
  assert.notEqual(verbs.length, 0)
  assert.deepEqual(
    verbs.filter((verb) => !cli.includes(`\n## crossfade ${verb}\n`)),
    [],
  )
  const contributing = readProjectFile('CONTRIBUTING.md')
  assert.deepEqual(
    Object.keys(SCENARIOS).filter((name) => !contributing.includes(`\`npm run bench -- ${name}\``)),
    [],
  )
})
