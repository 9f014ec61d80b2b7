import { isMap, parseCanonical } from './canonical-json.ts'
import type { Address } from './secret.ts'

/** Text that every store on PostgreSQL keeps unchanged: no NUL, no half of a surrogate pair. */
export const isPlainText = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

export const isPlainAddress = (a: Address): boolean =>
  isPlainText(a.integration) && isPlainText(a.customer) && isPlainText(a.name)

export const isPlainMetadata = (metadata: Readonly<Record<string, string>>): boolean =>
  Object.entries(metadata).every(([key, text]) => isPlainText(key) && isPlainText(text))

/**
 * Custom metadata from a column of an old table. JSON's null is no metadata, as SQL's is. What is no text is kept as its JSON
 * text, and what is no map at all under one key, so that a value is served and its metadata carried over whatever it is.
 */
export function looseMetadata(json: string | null): Readonly<Record<string, string>> {
  if (json === null || json.trim() === '') return {}
  try {
    const parsed = parseCanonical(json)
    if (parsed === null) return {}
    if (!isMap(parsed)) return { metadata: textOf(parsed) }
    return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, textOf(value)]))
  } catch {
    return { metadata: json }
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Custom metadata from its JSON text: `{}` for null, null if it is not a flat map of strings. */
export function parseMetadata(json: string | null): Readonly<Record<string, string>> | null {
  if (json === null) return {}
  try {
    const parsed: unknown = JSON.parse(json)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null
    return Object.values(parsed).every((text) => typeof text === 'string') ? (parsed as Record<string, string>) : null
  } catch {
    return null
  }
}

/** Bytes as text, or null if they are not UTF-8 that would come back byte for byte. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** The order of `scan`: that of the UTF-8 bytes, which is not that of JavaScript's strings. */
export const byteOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
