import { isMap } from '../canonical-json.ts'

/**
 * The one field of a secret's data that is Crossfade's. It holds what must change together with the value: a request for
 * the custom metadata of KV 2 is another one than that for the value, so no two of them make an atomic write, and custom
 * metadata has no versions. It also keeps custom metadata that others put there out of our hands.
 */
export interface Own {
  readonly content_type?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** The value's field is base64. */
  readonly encoding?: 'base64'
  /** A JSON document that is no map, or a map that has the own field itself, or one that the server does not take. */
  readonly json?: unknown
  /** The version that ends a secret; it is deleted right after, and is no value even if that did not happen. */
  readonly removed?: true
}

type Part = keyof Own
const isText = (value: unknown): value is string => typeof value === 'string'

const VALID: Readonly<Record<Part, (value: unknown) => boolean>> = {
  content_type: isText,
  metadata: (value) => isMap(value) && Object.values(value).every(isText),
  encoding: (value) => value === 'base64',
  json: () => true,
  removed: (value) => value === true,
}

/** Null: it is not one of ours, and nobody can say what it means. */
export function readOwn(value: unknown, allowed: readonly Part[]): Own | null {
  if (value === undefined) return {}
  if (!isMap(value)) return null
  const known = Object.entries(value).every(
    ([part, content]) => allowed.some((p) => p === part) && VALID[part as Part](content),
  )
  return known ? (value as Own) : null
}

export const isMarker = (own: Own): boolean => own.removed === true
