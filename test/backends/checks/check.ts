import fc from 'fast-check'
import { canonicalJson } from '../../../backends/canonical-json.ts'
import { type Address, type Secret, SecretValue } from '../../../backends/secret.ts'
import type { Call, Capabilities, Condition, Fence, GetOutcome, PutOutcome, Store } from '../../../backends/store.ts'

export interface Check {
  /** A sentence about behaviour. */
  readonly name: string
  run(store: Store, integration: string): Promise<void>
}

/** A call with time enough. */
export const call = (ms = 10_000): Call => ({ deadline: performance.now() + ms })

/** A call whose deadline has passed. */
export const lateCall = (): Call => ({ deadline: performance.now() - 1 })

export const at = (fence: Fence): Condition => ({ kind: 'at', fence })

export const address = (integration: string, name = 'token', customer = 'acme'): Address => ({
  integration,
  customer,
  name,
})

/** Valid under every kind of value: it is text, and it is JSON. */
export const secret = (word: string, more: Partial<Secret> = {}): Secret => ({
  value: SecretValue.ofText(JSON.stringify(word)),
  contentType: null,
  metadata: {},
  ...more,
})

/** What one can compare of an outcome; for tests only, since it opens the value. */
export function plain(outcome: GetOutcome): unknown {
  if (outcome.kind !== 'found') return outcome
  const { value, contentType, metadata } = outcome.secret
  return { kind: 'found', bytes: Buffer.from(value.open()).toString('base64'), contentType, metadata: { ...metadata } }
}

export const plainSecret = ({ value, contentType, metadata }: Secret): unknown => ({
  kind: 'found',
  bytes: Buffer.from(value.open()).toString('base64'),
  contentType,
  metadata: { ...metadata },
})

/** The fence of an outcome that must have one. */
export function fenceOf(outcome: GetOutcome | PutOutcome): Fence {
  if ('fence' in outcome && outcome.fence !== null) return outcome.fence
  throw new Error(`expected a fence in ${outcome.kind}`)
}

const texts = fc
  .string({ unit: 'grapheme', maxLength: 200 })
  .filter((text) => text.isWellFormed() && !text.includes('\0'))

/** Documents in the form in which they come back, with these number literals in them, under keys of every kind. */
function canonical(literals: readonly string[]): fc.Arbitrary<Uint8Array> {
  const number = fc.constantFrom(...literals).map((literal) => (JSON as never as RawJson).rawJSON(literal))
  const keys = fc.oneof(fc.constantFrom('__proto__', 'crossfade', 'value', '', '7'), texts)
  const { document } = fc.letrec((tie) => ({
    document: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.oneof(number, texts, fc.boolean(), fc.constant(null)),
      fc.array(tie('document'), { maxLength: 4 }),
      fc.dictionary(keys, tie('document'), { maxKeys: 4 }),
    ),
  }))
  return document.map((value) => Buffer.from(canonicalJson(JSON.stringify(value)) as string, 'utf8'))
}
interface RawJson {
  rawJSON(literal: string): unknown
}

const VALUES: Readonly<Record<Capabilities['values'], fc.Arbitrary<Uint8Array>>> = {
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    texts.map((text) => Buffer.from(text, 'utf8')),
  ),
  text: texts.map((text) => Buffer.from(text, 'utf8')),
  json: fc.json().map((text) => Buffer.from(text, 'utf8')),
  // Re-serialised: what comes back is compared as it was written only if it was in that form already.
  jsonb: fc
    .array(fc.oneof(fc.integer(), fc.boolean(), texts))
    .map((list) => Buffer.from(`[${list.map((item) => JSON.stringify(item)).join(', ')}]`, 'utf8')),
  'json-literals': canonical(['1.0', '-0', '1e21', '12345678901234567890', '0.10000000000000000555']),
  'json-doubles': canonical(['1', '-0', '1e+21', '5e-324', '0.1']),
}

/** Secrets that a store says it can hold. */
export const secretsOf = ({ values, contentType, metadata }: Capabilities): fc.Arbitrary<Secret> =>
  fc.record({
    value: VALUES[values].map((bytes) => SecretValue.of(bytes)),
    contentType: contentType.has
      ? fc.option(fc.constantFrom('text/plain', 'application/json', 'a/b; c="d"'))
      : fc.constant(null),
    metadata: metadata.has
      ? fc.dictionary(fc.oneof(fc.constantFrom('owner', '__proto__', 'é'), texts), texts, { maxKeys: 4 })
      : fc.constant({}),
  })

/** Names of one or more segments, of any well-formed text without NUL, as the edge lets them through and beyond. */
export const names = fc
  .array(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((s) => s.isWellFormed() && !s.includes('\0')),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((segments) => segments.join('/'))
