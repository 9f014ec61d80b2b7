import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { flagsDocumentSchema } from '../../../flags/code/document.ts'
import { readDocument } from '../../../flags/code/wanted.ts'
import { compileFlag, makeEngine } from '../../../flags/engine.ts'
import { isTotal } from '../../../flags/history.ts'
import { readLadder, setPhase, writeLadder } from '../../../flags/ladder.ts'
import { lintFlag } from '../../../flags/lint.ts'
import { definition } from '../at-hand.ts'

const AROUND = {
  integrations: [
    { name: 'aws-s3', owner: 'team-cloud' },
    { name: 'aws-iam', owner: 'team-cloud' },
    { name: 'github', owner: 'team-dev' },
  ],
  cohorts: ['dogfood', 'pilot', 'general'],
}

const read = (yaml: string) => readDocument(flagsDocumentSchema.parse(parse(yaml)), AROUND)

const rungs = (yaml: string) =>
  Object.fromEntries(
    read(yaml).wanted.map(({ integration, ladder }) => [
      integration,
      writeLadder(ladder).strategies.map(({ title }) => title),
    ]),
  )

const refusal = (steps: string): string => {
  const parsed = flagsDocumentSchema.safeParse(parse(`{ version: 1, ladders: [{ select: "*", everybody: ${steps} }] }`))
  return parsed.success ? 'accepted' : JSON.stringify(parsed.error.issues)
}

test('an integration takes the first rule that selects it, whole', () => {
  assert.deepEqual(
    rungs(`
version: 1
ladders:
  - select: aws-s3
    cohorts: { pilot: { live: 10%, shadow: 60% }, dogfood: live }
    everybody: dualwrite
  - select: [owner=team-cloud, nobody]
    everybody: { shadow: 5% }
  - select: "*"
`),
    {
      'aws-s3': [
        'dogfood: 100 % live',
        'pilot: 10 % live',
        'pilot: 60 % shadow',
        'pilot: 100 % off',
        'everybody: 100 % dualwrite',
      ],
      'aws-iam': ['everybody: 5 % shadow', 'everybody: 100 % off'],
      github: ['everybody: 100 % off'],
    },
  )
})

test('what no rule selects is left alone, and said', () => {
  assert.deepEqual(read('{ version: 1, ladders: [{ select: "aws-*" }] }').left, ['github'])
})

test('a rule that selects nothing, and a cohort that does not exist, are misfits with their place', () => {
  const { misfits } = read('{ version: 1, ladders: [{ select: "*", cohorts: { pilto: live } }, { select: azure }] }')
  assert.deepEqual(
    misfits.map(({ rule, key }) => [rule, ...key]),
    [
      [0, 'cohorts', 'pilto'],
      [1, 'select'],
    ],
  )
})

const REFUSED: Readonly<Record<string, RegExp>> = {
  sideways: /Invalid/,
  '{ live: 10 }': /expected string|invalid_type/,
  '{ live: 101% }': /whole percentage/,
  '{ live: 1.5% }': /whole percentage/,
  '{ live: 60%, shadow: 10% }': /shadow is smaller than live/,
  '{ off: 30% }': /everybody has reached off/,
  '{}': /expected a phase with its share/,
  '[{ from: soon, live: 100% }, { live: 1% }]': /expected an instant/,
  '[{ from: "2027-01-31T08:00:00Z", live: 100% }]': /exactly one entry without from/,
}
for (const [steps, why] of Object.entries(REFUSED)) {
  test(`${steps} is refused, and the reason is said`, () => assert.match(refusal(steps), why))
}

const SCHEDULED = `
version: 1
ladders:
  - select: github
    cohorts:
      pilot:
        - { shadow: 50% }
        - { from: "2027-02-01T09:00:00+01:00", live: 100% }
        - { from: "2027-01-01T00:00:00Z", live: 10%, shadow: 100% }
    everybody: off
`

test('a step that begins at an instant takes effect then, and is a ladder that can be read again', () => {
  const [wanted] = read(SCHEDULED).wanted
  assert.ok(wanted)
  const feature = writeLadder(wanted.ladder)
  assert.deepEqual(readLadder(feature, 'github'), { kind: 'ladder', ladder: wanted.ladder })
  assert.deepEqual(lintFlag(feature, { segments: new Map(), cohorts: AROUND.cohorts }), [])
  assert.ok(isTotal(definition(feature)))
  const engine = makeEngine()
  const phaseAt = (instant: string) =>
    engine.evaluate(
      compileFlag(definition(feature)),
      { customerId: 'acme', cohort: 'pilot', integration: 'github' },
      Date.parse(instant),
    )
  assert.notEqual(JSON.stringify(phaseAt('2027-01-31T00:00:00Z')), JSON.stringify(phaseAt('2027-02-01T08:00:01Z')))
  const later = phaseAt('2027-02-01T08:00:01Z')
  assert.equal(later.kind === 'phase' && later.phase, 'live')
})

test('flags set replaces steps that are yet to come by a phase, and refuses to guess what a share means for them', () => {
  const feature = writeLadder((read(SCHEDULED).wanted[0] as { ladder: Parameters<typeof writeLadder>[0] }).ladder)
  assert.equal(setPhase(feature, 'github', { phase: 'live', cohort: 'pilot', percent: 10 }).kind, 'refused')
  assert.equal(setPhase(feature, 'github', { phase: 'dualwrite', percent: 10 }).kind, 'edited', 'another scope')
  const set = setPhase(feature, 'github', { phase: 'shadow', cohort: 'pilot' })
  assert.deepEqual(set.kind === 'edited' && set.feature.strategies.map(({ title }) => title), [
    'pilot: 100 % shadow',
    'everybody: 100 % off',
  ])
})
