import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { compileFlag, type Evaluation, makeEngine } from '../../../flags/engine.ts'
import { PHASES, type Phase } from '../../../flags/phase.ts'
import { type FlagReading, type FlagSnapshot, parseSnapshot, readFeature } from '../../../flags/snapshot.ts'

/*
 * The client specification of Unleash, whose cases every client must pass, through the path that Crossfade evaluates by:
 * the document is judged, the flag read, and its definition evaluated. A case is put into Crossfade's words only: all of
 * its context becomes fields of the flag's context, and the payload of each variant names a phase of its own.
 *
 * Two kinds of cases are left out, and counted so that none is lost in silence: strategies that look at a user, a session
 * or an address that Crossfade never gives, and flags that answer at random, which Crossfade refuses to follow.
 */

interface Case {
  readonly description: string
  readonly context: Record<string, unknown> & { readonly properties?: object; readonly currentTime?: string }
  readonly toggleName: string
  readonly expectedResult: boolean | { readonly name: string; readonly feature_enabled: boolean }
}

interface Suite {
  readonly state: { readonly features: readonly Raw[]; readonly segments?: readonly Raw[] }
  readonly tests?: readonly Case[]
  readonly variantTests?: readonly Case[]
}

type Raw = Record<string, unknown>

/** Of each file, how many cases run, are refused as random, and use a strategy that is not for Crossfade. */
const SUITES: Readonly<Record<string, readonly [ran: number, random: number, foreign: number]>> = {
  '01-simple-examples.json': [5, 0, 0],
  '02-user-with-id-strategy.json': [0, 0, 5],
  '03-gradual-rollout-user-id-strategy.json': [0, 0, 6],
  '04-gradual-rollout-session-id-strategy.json': [0, 0, 6],
  '05-gradual-rollout-random-strategy.json': [0, 4, 0],
  '06-remote-address-strategy.json': [0, 0, 6],
  '07-multiple-strategies.json': [0, 6, 0],
  '08-variants.json': [6, 11, 0],
  '09-strategy-constraints.json': [14, 0, 3],
  '10-flexible-rollout-strategy.json': [6, 4, 0],
  '11-strategy-constraints-edge-cases.json': [6, 0, 0],
  '12-custom-stickiness.json': [9, 0, 0],
  '13-constraint-operators.json': [46, 0, 0],
  '14-constraint-semver-operators.json': [25, 0, 0],
  '15-global-constraints.json': [6, 0, 0],
  '16-strategy-variants.json': [8, 3, 0],
  '17-dependent-features.json': [39, 0, 0],
  '18-utf8-flag-names.json': [2, 0, 0],
  '21-regex-constraint-operators.json': [37, 0, 0],
  '22-cidr-constraint-operators.json': [12, 0, 0],
}

const FOLDER = join(
  dirname(createRequire(import.meta.url).resolve('@unleash/client-specification/package.json')),
  'specifications',
)
const NOT_FOR_US = /^(userWithId|remoteAddress|gradualRollout)/
/** These two the client library sets by itself, whatever it is asked with. */
const OWN_NAMES: Readonly<Record<string, string>> = { environment: 'theEnvironment', appName: 'theApp' }

const engine = makeEngine()

for (const [file, [ran, random, foreign]] of Object.entries(SUITES)) {
  test(`the cases of the client specification hold through our evaluation: ${file}`, () => {
    const suite = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Suite
    const snapshot = snapshotOf(suite)
    const counts = { ran: 0, random: 0, foreign: 0 }
    for (const each of [...(suite.tests ?? []), ...(suite.variantTests ?? [])]) {
      counts[judge(snapshot, each)] += 1
    }
    assert.deepEqual(counts, { ran, random, foreign })
  })
}

test('every file of the client specification is named above', () => {
  const index = JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) as string[]
  const deltas = ['19-delta-api-hydration.json', '20-delta-api-events.json']
  assert.deepEqual(
    index.filter((file) => !deltas.includes(file)),
    Object.keys(SUITES),
  )
})

function judge(snapshot: FlagSnapshot, { description, context, toggleName, expectedResult }: Case): keyof Counts {
  const reading = readFeature(snapshot, toggleName)
  if (isForeign(reading)) return 'foreign'
  if (reading.kind === 'unusable' && /sticky|chance/.test(reading.detail)) return 'random'
  const evaluation = evaluate(reading, context)
  if (typeof expectedResult === 'boolean') assert.equal(matches(evaluation), expectedResult, description)
  else assert.equal(variantOf(evaluation, reading), expectedResult.name, description)
  return 'ran'
}

interface Counts {
  readonly ran: number
  readonly random: number
  readonly foreign: number
}

function isForeign(reading: FlagReading): boolean {
  if (reading.kind !== 'present') return false
  const { feature, parents } = reading.definition
  return [feature, ...parents].some(({ strategies }) => strategies.some(({ name }) => NOT_FOR_US.test(name)))
}

function evaluate(reading: FlagReading, { properties, currentTime, ...context }: Case['context']): Evaluation | null {
  if (reading.kind !== 'present') return null
  const given = Object.entries({ ...context, ...properties }).map(([name, value]) => [OWN_NAMES[name] ?? name, value])
  const all = { customerId: 'acme', cohort: 'general', integration: 'aws', ...Object.fromEntries(given) }
  return engine.evaluate(compileFlag(reading.definition), all, new Date(currentTime ?? '2026-01-01').getTime())
}

/** A strategy that matched and names no phase has matched all the same. */
function matches(evaluation: Evaluation | null): boolean {
  if (evaluation?.kind === 'phase') return evaluation.phase !== 'off'
  return evaluation?.why === 'no-phase-in-payload'
}

/** The variant whose phase was answered. */
function variantOf(evaluation: Evaluation | null, reading: FlagReading): string {
  if (evaluation?.kind !== 'phase' || evaluation.phase === 'off' || reading.kind !== 'present') return 'disabled'
  const { feature } = reading.definition
  const variants = [...feature.variants, ...feature.strategies.flatMap((strategy) => strategy.variants)]
  return variants.find(({ payload }) => payload?.value === evaluation.phase)?.name ?? 'none'
}

function snapshotOf({ state }: Suite): FlagSnapshot {
  const answer = parseSnapshot(translate({ version: 2, ...state }, phasesOf(state.features)), null)
  if (answer.kind === 'refused') throw new Error(answer.detail)
  return answer.snapshot
}

/** A phase for each name of a variant; there are never more of them than phases, in one file. */
function phasesOf(features: readonly Raw[]): ReadonlyMap<string, Phase> {
  const names = new Set<string>()
  JSON.stringify(features, (key, value) => {
    if (key === 'variants') for (const { name } of value ?? []) if (name !== undefined) names.add(name)
    return value
  })
  return new Map([...names].map((name, index) => [name, PHASES[1 + (index % (PHASES.length - 1))] as Phase]))
}

function translate(document: object, phases: ReadonlyMap<string, Phase>): unknown {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (key === 'contextName') return OWN_NAMES[value] ?? value
    if (key !== 'variants' || !Array.isArray(value)) return value
    // Those of a dependency are names only.
    return value.map((variant) =>
      typeof variant === 'string'
        ? variant
        : { ...variant, payload: { type: 'string', value: phases.get(variant.name) } },
    )
  })
}
