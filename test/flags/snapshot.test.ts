import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSnapshot, readFlag } from '../../flags/snapshot.ts'
import { document, flag, snapshot, step, where } from './at-hand.ts'

const segment = { id: 1, name: 'pilot', constraints: [where('customerId', 'IN', 'acme')] }

test('a document that is not of the format is refused', () => {
  for (const bad of [null, [], {}, { version: 2 }, { version: 2, features: {} }, { version: 2, features: [{}] }]) {
    const answer = parseSnapshot(bad, null)
    assert.ok(answer.kind === 'refused' && answer.why === 'malformed')
  }
})

test('an answer of another environment is refused, one that names none is not', () => {
  const answer = parseSnapshot(document([]), 'production')
  assert.ok(answer.kind === 'refused' && answer.why === 'wrong-environment')
  assert.equal(parseSnapshot(document([]), 'development').kind, 'snapshot')
  assert.equal(parseSnapshot(document([], { query: undefined }), 'production').kind, 'snapshot')
})

test('a flag as unleash-server writes it is read, and what evaluation does not use is dropped', () => {
  const raw = {
    ...flag('aws', [{ ...step('aws', 'shadow'), segments: [1] }]),
    type: 'release',
    project: 'default',
    stale: false,
    impressionData: true,
    description: null,
    lastSeenAt: 'yesterday',
  }
  const reading = readFlag(snapshot([raw], { segments: [segment] }), 'aws')
  assert.ok(reading.kind === 'present')
  assert.equal('impressionData' in reading.definition.feature, false)
  assert.deepEqual(
    reading.definition.segments.map(({ id }) => id),
    [1],
  )
})

test('a missing flag is told from a broken one', () => {
  const broken = { name: 'crossfade.aws', enabled: true, strategies: 'all' }
  assert.equal(readFlag(snapshot([broken]), 'github').kind, 'missing')
  assert.equal(readFlag(snapshot([broken]), 'aws').kind, 'unusable')
})

test('one broken flag leaves the others usable', () => {
  const good = flag('github', [step('github', 'live')])
  const given = snapshot([{ name: 'crossfade.aws', enabled: 'yes' }, good])
  assert.equal(readFlag(given, 'github').kind, 'present')
})

test('two flags of one name, a missing segment and a missing parent are unusable', () => {
  const plain = flag('aws', [step('aws', 'live')])
  assert.equal(readFlag(snapshot([plain, plain]), 'aws').kind, 'unusable')
  assert.equal(readFlag(snapshot([flag('aws', [{ ...step('aws', 'live'), segments: [9] }])]), 'aws').kind, 'unusable')
  const child = flag('aws', [step('aws', 'live')], { dependencies: [{ feature: 'gone' }] })
  assert.equal(readFlag(snapshot([child]), 'aws').kind, 'unusable')
})

test('a repeated dependency is taken once', () => {
  const parent = { ...flag('x', []), name: 'parent' }
  const child = flag('aws', [step('aws', 'live')], { dependencies: [{ feature: 'parent' }, { feature: 'parent' }] })
  const reading = readFlag(snapshot([parent, child]), 'aws')
  assert.ok(reading.kind === 'present')
  assert.equal(reading.definition.feature.dependencies.length, 1)
  assert.equal(reading.definition.parents.length, 1)
})

const random = {
  'a rollout that is sticky on nothing': {
    ...step('aws', 'live', 50),
    parameters: { rollout: '50', stickiness: 'default' },
  },
  'a rollout at random': { ...step('aws', 'live', 50), parameters: { rollout: '50', stickiness: 'random' } },
  gradualRolloutRandom: { ...step('aws', 'live'), name: 'gradualRolloutRandom', parameters: { percentage: '50' } },
  'two weighted variants without stickiness': {
    name: 'default',
    parameters: {},
    variants: [
      { name: 'a', weight: 500 },
      { name: 'b', weight: 500 },
    ],
  },
}

for (const [what, strategy] of Object.entries(random)) {
  test(`${what} is unusable: it would answer differently from call to call`, () => {
    const raw = { name: 'crossfade.aws', enabled: true, strategies: [strategy] }
    assert.equal(readFlag(snapshot([raw]), 'aws').kind, 'unusable')
  })
}

test('a rollout of 100 % that is sticky on nothing decides the same for everybody', () => {
  const all = { ...step('aws', 'live'), parameters: { rollout: '100', stickiness: 'default' } }
  assert.equal(readFlag(snapshot([flag('aws', [all])]), 'aws').kind, 'present')
})
