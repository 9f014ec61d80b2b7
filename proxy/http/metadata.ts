import type { IncomingMessage } from 'node:http'
import { httpFault } from './faults.ts'

/*
 * Custom metadata travels as `crossfade-meta-KEY: VALUE`. A header holds ASCII only, so a value is UTF-8 with everything
 * that is not printable ASCII, and `%` itself, percent-encoded; so are blanks at either end, which HTTP would cut off.
 * Decoding is strict, hence what a client reads is exactly what a client wrote.
 *
 * A store may hold what came there by another way: keys that are no header's name, or more than clients take (Node's take
 * 16 KiB of headers, nginx 4 to 8). Such an entry is left out of the answer and named in `crossfade-meta-omitted`.
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

/** Keys that were left out, percent-encoded, separated by commas; `+N` at the end: so many more. */
export const OMITTED_HEADER = 'crossfade-meta-omitted'
const MAX_OMITTED_BYTES = 1024

/** The headers of an answer: what a put would take, in the order of the keys, and the names of the rest. */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  const omitted: string[] = []
  let [count, size] = [0, 0]
  for (const [key, value] of Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const length = key.length + Buffer.byteLength(value)
    const fits = KEY.test(key) && value.isWellFormed() && count < MAX_ENTRIES && size + length <= MAX_BYTES
    if (fits) {
      headers[META_PREFIX + key] = encodeMeta(value)
      count += 1
      size += length
    } else omitted.push(encodeURIComponent(key.toWellFormed()))
  }
  return omitted.length === 0 ? headers : { ...headers, [OMITTED_HEADER]: shorten(omitted) }
}

function shorten(names: readonly string[]): string {
  const shown: string[] = []
  let size = 0
  for (const name of names) {
    size += name.length + 2
    if (size > MAX_OMITTED_BYTES) break
    shown.push(name)
  }
  return shown.length === names.length ? shown.join(', ') : [...shown, `+${names.length - shown.length}`].join(', ')
}

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
