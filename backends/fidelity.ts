import { canonicalJson } from './canonical-json.ts'
import type { Shape } from './digest.ts'
import { survivesJsonb } from './jsonb.ts'
import { DEFAULT_CONTENT_TYPE, type Secret } from './secret.ts'
import { isPlainText, utf8 } from './secret-text.ts'
import type { Capabilities, RefusalReason } from './store.ts'

/** What *both* sides of an integration can hold unchanged. A value beyond it is refused from `enrol` on, never changed. */
export interface Fidelity {
  readonly shape: Shape
  readonly values: Capabilities['values']
  /** Whether a content type other than the default is kept on both sides. */
  readonly contentType: boolean
  readonly metadata: boolean
  /** Largest value in bytes. */
  readonly maxSize: number
  /** What is lost compared with a side that holds everything, for people. */
  readonly limits: readonly string[]
}

/** Why a secret cannot be held by both sides. */
export type Beyond = 'too-large' | 'not-text' | 'not-json' | 'json-rewritten' | 'content-type' | 'metadata'

const DETAILS: Readonly<Record<Beyond, string>> = {
  'too-large': 'the value is larger than one of the stores takes',
  'not-text': 'one of the stores holds UTF-8 text without NUL only',
  'not-json': 'the value is not a JSON document, which this integration or one of its stores needs',
  'json-rewritten': 'one of the stores would write this JSON anew: use plain decimal numbers and no \\u0000',
  'content-type': 'one of the stores has no place for a content type',
  metadata: 'one of the stores has no place for custom metadata',
}

/** From what holds most to what holds least; each is a part of those before it. */
const VALUES = ['bytes', 'text', 'json', 'jsonb'] as const satisfies readonly Capabilities['values'][]

const LIMITS: Readonly<Record<Capabilities['values'], string | null>> = {
  bytes: null,
  text: 'values are UTF-8 text without NUL',
  json: 'values are JSON documents',
  jsonb: 'values are JSON documents that survive being written anew: plain decimal numbers, no NUL',
}

/** Worked out once, at start, and shown. `reasons` is empty if the shape can be held by both. */
export function makeFidelity(
  shape: Shape,
  legacy: Capabilities,
  fresh: Capabilities,
): { readonly fidelity: Fidelity; readonly reasons: readonly string[] } {
  const sides = { legacy, new: fresh }
  const values = VALUES[Math.max(VALUES.indexOf(legacy.values), VALUES.indexOf(fresh.values))] as Capabilities['values']
  const contentType = legacy.contentType.has && fresh.contentType.has
  const metadata = legacy.metadata.has && fresh.metadata.has
  const maxSize = Math.min(legacy.maxSize, fresh.maxSize)
  const limits = [
    ...(LIMITS[values] === null ? [] : [LIMITS[values]]),
    ...Object.entries(sides).flatMap(([side, { contentType: capability }]) =>
      capability.has ? [] : [`no content type: ${side}: ${capability.why}`],
    ),
    ...Object.entries(sides).flatMap(([side, { metadata: capability }]) =>
      capability.has ? [] : [`no custom metadata: ${side}: ${capability.why}`],
    ),
  ]
  return { fidelity: { shape, values, contentType, metadata, maxSize, limits }, reasons: refusals(shape, sides) }
}

/** Why a side cannot hold a shape at all: `config check` refuses it then. */
function refusals(shape: Shape, sides: Readonly<Record<string, Capabilities>>): string[] {
  if (shape === 'json') return []
  return Object.entries(sides).flatMap(([side, { values }]) =>
    values === 'json' || values === 'jsonb' ? [`${side} holds JSON only, so the value must be json, not ${shape}`] : [],
  )
}

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
  return beyond && { reason: beyond === 'too-large' ? 'too-large' : 'unrepresentable', detail: DETAILS[beyond] }
}

function beyondShape({ shape, values }: Fidelity, { value }: Secret): Beyond | null {
  if (shape === 'bytes' && values === 'bytes') return null
  const text = utf8(value.open())
  if (text === null || (values !== 'bytes' && !isPlainText(text))) return shape === 'json' ? 'not-json' : 'not-text'
  if (shape === 'bytes' && values === 'text') return null
  if (canonicalJson(text) === null) return 'not-json'
  return values === 'jsonb' && !survivesJsonb(text) ? 'json-rewritten' : null
}
