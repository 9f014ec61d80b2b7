import type { IncomingMessage } from 'node:http'
import { httpFault } from './faults.ts'

/*
 * Custom metadata travels as `crossfade-meta-KEY: VALUE`. A header holds ASCII only, so a value is UTF-8 with everything
 * that is not printable ASCII, and `%` itself, percent-encoded; so are blanks at either end, which HTTP would cut off.
 * Decoding is strict, hence what a client reads is exactly what a client wrote.
 */

export const META_PREFIX = 'crossfade-meta-'
const KEY = /^[a-z0-9-]{1,64}$/
const MAX_ENTRIES = 32
const MAX_BYTES = 4096

const refuse = (detail: string) => httpFault('header-refused', detail)

/** The metadata of a request. Throws `header-refused` or `headers-too-large`. */
export function readMetadata(message: Pick<IncomingMessage, 'headersDistinct'>): Readonly<Record<string, string>> {
  const found = Object.entries(message.headersDistinct).filter(([name]) => name.startsWith(META_PREFIX))
  if (found.length > MAX_ENTRIES) throw httpFault('headers-too-large', `more than ${MAX_ENTRIES} metadata headers`)
  const entries = found.map(([name, values]) => [metaKey(name), decodeMeta(onlyOne(values))] as const)
  const size = entries.reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(value), 0)
  if (size > MAX_BYTES) throw httpFault('headers-too-large', `more than ${MAX_BYTES} bytes of metadata`)
  return Object.fromEntries(entries)
}

export const metadataHeaders = (metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(metadata).map(([key, value]) => [META_PREFIX + key, encodeMeta(value)]))

function metaKey(header: string): string {
  const key = header.slice(META_PREFIX.length)
  if (!KEY.test(key)) throw refuse('a metadata key is 1 to 64 of a-z, 0-9 and -')
  return key
}

function onlyOne(values: readonly string[] | undefined): string {
  if (values?.length !== 1) throw refuse('a metadata header is given more than once')
  return values[0] as string
}

/** Printable ASCII stays; the rest becomes percent-encoded UTF-8. */
export const encodeMeta = (text: string): string =>
  text.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+|^ +| +$/gu, (part) => encodeURIComponent(part))

/** Throws `header-refused` for raw non-ASCII, a bad escape, or escapes that are not UTF-8. */
export function decodeMeta(header: string): string {
  if (!/^[\x20-\x7e]*$/.test(header)) throw refuse('a metadata value is not printable ASCII')
  try {
    return decodeURIComponent(header)
  } catch {
    throw refuse('a percent escape of a metadata value is not valid UTF-8')
  }
}
