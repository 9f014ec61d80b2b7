import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shape } from '../../backends/digest.ts'
import { type Beyond, makeFidelity, representable, unrepresentable } from '../../backends/fidelity.ts'
import { DEFAULT_CONTENT_TYPE, type Secret, SecretValue } from '../../backends/secret.ts'
import type { Capabilities, Capability } from '../../backends/store.ts'

const HAS: Capability = { has: true }
const FULL: Capabilities = {
  fence: HAS,
  bound: HAS,
  compareAndSet: HAS,
  versions: HAS,
  contentType: HAS,
  metadata: HAS,
  batch: { max: 500 },
  values: 'bytes',
  maxSize: 1000,
}
const holding = (values: Capabilities['values']): Capabilities => ({ ...FULL, values })
const BARE: Capabilities = {
  ...FULL,
  contentType: { has: false, why: 'no content_type column is mapped' },
  metadata: { has: false, why: 'no metadata column is mapped' },
}

const secret = (value: string | Uint8Array, more: Partial<Secret> = {}): Secret => ({
  value: typeof value === 'string' ? SecretValue.ofText(value) : SecretValue.of(value),
  contentType: null,
  metadata: {},
  ...more,
})

const SAMPLES = {
  empty: '',
  word: 'word',
  binary: new Uint8Array([0xff, 0xfe]),
  nul: 'a\0b',
  document: '{"a":[1,2.50,"é"]}',
  exponent: '{"a":1e2}',
  'minus zero': '-0',
  'escaped nul': '"\\u0000"',
  'half a pair': '"\\ud800"',
  'twenty digits': '12345678901234567890',
} as const satisfies Record<string, string | Uint8Array>

type Verdicts = Readonly<Record<keyof typeof SAMPLES, Beyond | null>>
const NO_TEXT: Beyond = 'not-text'
const NO_JSON: Beyond = 'not-json'

const json: Verdicts = {
  empty: NO_JSON,
  word: NO_JSON,
  binary: NO_JSON,
  nul: NO_JSON,
  document: null,
  exponent: null,
  'minus zero': null,
  'escaped nul': null,
  'half a pair': null,
  'twenty digits': null,
}
const jsonb: Verdicts = {
  ...json,
  exponent: 'json-rewritten',
  'minus zero': 'json-rewritten',
  'escaped nul': 'json-rewritten',
  'half a pair': 'json-rewritten',
}
const literals: Verdicts = { ...json, 'half a pair': 'json-rewritten' }
const doubles: Verdicts = {
  ...literals,
  document: 'json-rewritten',
  exponent: 'json-rewritten',
  'twenty digits': 'json-rewritten',
}
const every = (verdict: Beyond | null): Verdicts =>
  Object.fromEntries(Object.keys(SAMPLES).map((name) => [name, verdict])) as Verdicts

/** Shape x what the other side holds, the first side holding any bytes; null: the shape itself is refused. */
const TABLE: Readonly<Record<Shape, Readonly<Record<Capabilities['values'], Verdicts | null>>>> = {
  bytes: {
    bytes: every(null),
    text: { ...every(null), binary: NO_TEXT, nul: NO_TEXT },
    json: null,
    jsonb: null,
    'json-literals': null,
    'json-doubles': null,
  },
  json: { bytes: json, text: json, json, jsonb, 'json-literals': literals, 'json-doubles': doubles },
}

for (const [shape, row] of Object.entries(TABLE) as [Shape, (typeof TABLE)[Shape]][]) {
  for (const [values, verdicts] of Object.entries(row) as [Capabilities['values'], Verdicts | null][]) {
    for (const [legacy, fresh] of [
      [holding(values), FULL],
      [FULL, holding(values)],
    ] as const) {
      test(`shape ${shape} over ${legacy.values} and ${fresh.values}: ${verdicts ? 'each value has its verdict' : 'the shape is refused'}`, () => {
        const { fidelity, reasons } = makeFidelity(shape, legacy, fresh)
        assert.equal(reasons.length, verdicts ? 0 : 1)
        if (!verdicts) return
        for (const [name, value] of Object.entries(SAMPLES)) {
          assert.equal(representable(fidelity, secret(value)), verdicts[name as keyof typeof SAMPLES], name)
        }
      })
    }
  }
}

test('both reasons are given when neither side can hold the shape', () => {
  const { reasons } = makeFidelity('bytes', holding('json'), holding('jsonb'))
  assert.deepEqual(
    reasons.map((reason) => reason.split(' ')[0]),
    ['legacy', 'new'],
  )
})

test('a table that holds one integration alone is no side of another', () => {
  const table: Capabilities = { ...FULL, only: 'aws' }
  assert.deepEqual(makeFidelity('bytes', table, FULL, 'aws').reasons, [])
  const { reasons } = makeFidelity('bytes', table, FULL, 'github')
  assert.deepEqual(reasons, ['legacy holds the integration aws alone, by columns.integration.constant'])
})

test('the smaller of the two sizes is the limit', () => {
  const { fidelity } = makeFidelity('bytes', { ...FULL, maxSize: 10 }, FULL)
  assert.equal(representable(fidelity, secret('x'.repeat(10))), null)
  assert.equal(representable(fidelity, secret('x'.repeat(11))), 'too-large')
})

test('a content type or metadata that one side has no place for is beyond, but the default content type is not', () => {
  const { fidelity } = makeFidelity('bytes', BARE, FULL)
  assert.equal(representable(fidelity, secret('x')), null)
  assert.equal(representable(fidelity, secret('x', { contentType: DEFAULT_CONTENT_TYPE })), null)
  assert.equal(representable(fidelity, secret('x', { contentType: 'text/plain' })), 'content-type')
  assert.equal(representable(fidelity, secret('x', { metadata: { owner: 'a' } })), 'metadata')
})

test('what is limited is said, with the side and its reason', () => {
  const { fidelity } = makeFidelity('json', BARE, holding('jsonb'))
  assert.equal(fidelity.limits.length, 3)
  assert.ok(fidelity.limits.some((limit) => limit.includes('legacy: no content_type column is mapped')))
  assert.deepEqual(makeFidelity('bytes', FULL, FULL).fidelity.limits, [])
})

test('a refusal says what is wrong and nothing of the value', () => {
  const { fidelity } = makeFidelity('bytes', { ...BARE, maxSize: 20 }, holding('text'))
  assert.equal(unrepresentable(fidelity, secret('fine')), null)
  const large = unrepresentable(fidelity, secret('canary'.repeat(10)))
  const binary = unrepresentable(fidelity, secret(new Uint8Array([0xff])))
  assert.equal(large?.reason, 'too-large')
  assert.equal(binary?.reason, 'unrepresentable')
  assert.ok(!JSON.stringify([large, binary]).includes('canary'))
})
