/**
 * The canonical text of a JSON document: keys sorted, no white space, number literals kept as they were written
 * (`1.0`, `1e400` and 20-digit ids survive), or null if it is not JSON. `JSON.parse` hands a reviver the source text
 * of each primitive and `JSON.rawJSON` writes it back (both since Node 22).
 */
export function canonicalJson(text: string): string | null {
  try {
    return JSON.stringify(parseCanonical(text))
  } catch {
    return null
  }
}

/**
 * The document as objects whose keys are sorted and whose numbers are raw literals (`literalOf`), so that any part of it
 * is canonical when it is written with `JSON.stringify`. Throws if it is not JSON.
 */
export const parseCanonical = (text: string): unknown => JSON.parse(text, canonicalise)

/** The literal of a number that `parseCanonical` read, or null if it is not one. */
export const literalOf = (value: unknown): string | null =>
  typeof value === 'object' && value !== null && isRaw(value) ? (value as { rawJSON: string }).rawJSON : null

// TypeScript's library does not know the third argument and `rawJSON` yet.
const { rawJSON } = JSON as unknown as { rawJSON: (literal: string) => unknown }

function canonicalise(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') return rawJSON(context?.source ?? String(value))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (isRaw(value)) return value
  // No prototype: `__proto__` is a key like any other.
  const sorted: Record<string, unknown> = Object.create(null)
  for (const key of Object.keys(value).sort()) sorted[key] = (value as Record<string, unknown>)[key]
  return sorted
}

const isRaw = (value: object): boolean => (JSON as unknown as { isRawJSON: (v: unknown) => boolean }).isRawJSON(value)

/** A map of the document, rather than a list, a text, a number, a word or nothing. */
export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRaw(value)
