import { SIDES, type Side } from '../core/side.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Shape } from './digest.ts'
import { countStrings, survivesDoubles, survivesLiterals } from './json-kept.ts'
import { survivesJsonb } from './jsonb.ts'
import { type Address, DEFAULT_CONTENT_TYPE, type Secret } from './secret.ts'
import { isPlainText, utf8 } from './secret-text.ts'
import type { Capabilities, RefusalReason, Store } from './store.ts'

/** What *both* sides of an integration can hold unchanged. A value beyond it is refused from `enrol` on, never changed. */
export interface Fidelity {
  readonly shape: Shape
  /** Of both sides. */
  readonly values: readonly Capabilities['values'][]
  /** Strings of a JSON document, keys counted; null: without limit. */
  readonly maxStrings: number | null
  /** Whether a content type other than the default is kept on both sides. */
  readonly contentType: boolean
  readonly metadata: boolean
  /** Largest value in bytes. */
  readonly maxSize: number
  /** What is lost compared with a side that holds everything, for people. */
  readonly limits: readonly string[]
}

/** Why a secret cannot be held by both sides. */
export type Beyond =
  | 'too-large'
  | 'too-many-strings'
  | 'not-text'
  | 'not-json'
  | 'json-rewritten'
  | 'content-type'
  | 'metadata'

const TOO_LARGE: ReadonlySet<Beyond> = new Set(['too-large', 'too-many-strings'])

const DETAILS: Readonly<Record<Beyond, string>> = {
  'too-large': 'the value is larger than one of the stores takes',
  'too-many-strings': 'the document has more strings, keys counted, than one of the stores takes',
  'not-text': 'one of the stores holds UTF-8 text without NUL only',
  'not-json': 'the value is not a JSON document, which this integration or one of its stores needs',
  'json-rewritten':
    'one of the stores would change this JSON: use plain decimal numbers of at most 15 digits and no \\u0000',
  'content-type':
    'one of the stores has no place for a content type: send content-type: application/octet-stream or none at all',
  metadata: 'one of the stores has no place for custom metadata: send no crossfade-meta header',
}

/** What each kind of value holds of text; bytes are no question of text. `plain`: no NUL, which these cannot hold. */
const KINDS = {
  bytes: { plain: false, json: false, survives: () => true, limit: null },
  text: { plain: true, json: false, survives: () => true, limit: 'values are UTF-8 text without NUL' },
  json: { plain: true, json: true, survives: () => true, limit: 'values are JSON documents' },
  jsonb: {
    plain: true,
    json: true,
    survives: survivesJsonb,
    limit: 'values are JSON documents that survive being written anew: plain decimal numbers, no NUL',
  },
  'json-literals': {
    plain: true,
    json: true,
    survives: survivesLiterals,
    limit: 'values are JSON documents that are written anew: numbers within a double, each kept as it was written',
  },
  'json-doubles': {
    plain: true,
    json: true,
    survives: survivesDoubles,
    limit:
      'values are JSON documents whose numbers are doubles in their shortest form: 1 and 0.1, not 1.0 or 20 digits',
  },
} as const satisfies Record<
  Capabilities['values'],
  { plain: boolean; json: boolean; survives: (text: string) => boolean; limit: string | null }
>

/** Worked out once, at start, and shown. `reasons` is empty if the shape can be held by both. */
export function makeFidelity(
  shape: Shape,
  legacy: Capabilities,
  fresh: Capabilities,
  integration?: string,
): { readonly fidelity: Fidelity; readonly reasons: readonly string[] } {
  const sides = { legacy, new: fresh }
  const values = [...new Set([legacy.values, fresh.values])]
  const strings = [legacy.maxStrings, fresh.maxStrings].filter((n) => n !== undefined)
  const maxStrings = strings.length > 0 ? Math.min(...strings) : null
  const contentType = legacy.contentType.has && fresh.contentType.has
  const metadata = legacy.metadata.has && fresh.metadata.has
  const maxSize = Math.min(legacy.maxSize, fresh.maxSize)
  const limits = [
    ...values.map((kind) => KINDS[kind].limit).filter((limit) => limit !== null),
    ...(maxStrings === null ? [] : [`a JSON document has at most ${maxStrings} strings, keys counted`]),
    ...Object.entries(sides).flatMap(([side, { contentType: capability }]) =>
      capability.has ? [] : [`no content type: ${side}: ${capability.why}`],
    ),
    ...Object.entries(sides).flatMap(([side, { metadata: capability }]) =>
      capability.has ? [] : [`no custom metadata: ${side}: ${capability.why}`],
    ),
  ]
  const fidelity = { shape, values, maxStrings, contentType, metadata, maxSize, limits }
  return { fidelity, reasons: [...refusals(shape, sides), ...strangers(integration, sides)] }
}

/** Why a side cannot hold a shape at all: `config check` refuses it then. */
function refusals(shape: Shape, sides: Readonly<Record<string, Capabilities>>): string[] {
  if (shape === 'json') return []
  return Object.entries(sides).flatMap(([side, { values }]) =>
    KINDS[values].json ? [`${side} holds JSON only, so the value must be json, not ${shape}`] : [],
  )
}

/** Why a side cannot hold an integration at all: every read would find nothing. */
const strangers = (integration: string | undefined, sides: Readonly<Record<string, Capabilities>>): string[] =>
  Object.entries(sides).flatMap(([side, { only }]) =>
    integration === undefined || only === undefined || only === integration
      ? []
      : [`${side} holds the integration ${only} alone, by columns.integration.constant`],
  )

/** Null if both sides can hold it; a content type that is the default is not one that must be kept. */
export function representable(fidelity: Fidelity, secret: Secret): Beyond | null {
  const { contentType, metadata, value } = secret
  if (value.size > fidelity.maxSize) return 'too-large'
  if (!fidelity.contentType && contentType !== null && contentType !== DEFAULT_CONTENT_TYPE) return 'content-type'
  if (!fidelity.metadata && Object.keys(metadata).length > 0) return 'metadata'
  return beyondShape(fidelity, secret)
}

/** The same as a refusal with a sentence for people; neither holds anything of the secret. */
export function unrepresentable(
  fidelity: Fidelity,
  secret: Secret,
): { readonly reason: RefusalReason; readonly detail: string } | null {
  const beyond = representable(fidelity, secret)
  return beyond && { reason: TOO_LARGE.has(beyond) ? 'too-large' : 'unrepresentable', detail: DETAILS[beyond] }
}

/** Why one of the sides can have no secret of this address; null if both can. */
export function unnameable(
  sides: Readonly<Record<Side, Store>>,
  address: Address,
): { readonly reason: RefusalReason; readonly detail: string } | null {
  const side = SIDES.find((candidate) => sides[candidate].names?.(address) === false)
  return side === undefined
    ? null
    : { reason: 'unrepresentable', detail: `store ${sides[side].name} can have no secret of this name or customer` }
}

/** Why one of the sides cannot hold this secret, as it says itself without being asked; null if both can. */
export function unheld(
  sides: Readonly<Record<Side, Store>>,
  secret: Secret,
): { readonly reason: RefusalReason; readonly detail: string } | null {
  for (const side of SIDES) {
    const why = sides[side].holds?.(secret)
    if (why) return { ...why, detail: `store ${sides[side].name}: ${why.detail}` }
  }
  return null
}

function beyondShape({ shape, values, maxStrings }: Fidelity, { value, metadata }: Secret): Beyond | null {
  const kinds = values.map((kind) => KINDS[kind])
  if (shape === 'bytes' && values.every((kind) => kind === 'bytes')) return null
  const text = utf8(value.open())
  if (text === null || (kinds.some(({ plain }) => plain) && !isPlainText(text)))
    return shape === 'json' ? 'not-json' : 'not-text'
  if (shape === 'bytes' && !kinds.some(({ json }) => json)) return null
  if (canonicalJson(text) === null) return 'not-json'
  if (!kinds.every(({ survives }) => survives(text))) return 'json-rewritten'
  const strings = countStrings(text) + 2 * Object.keys(metadata).length
  return maxStrings !== null && strings > maxStrings ? 'too-many-strings' : null
}
