import type { IncomingMessage } from 'node:http'
import { DEFAULT_CONTENT_TYPE } from '../../backends/secret.ts'
import { httpFault } from './faults.ts'
import { encodeMeta } from './metadata.ts'

const MAX_LENGTH = 255
const PRINTABLE = /^[\x20-\x7e]+$/

/** As the client sent it, which Fastify's own header would not tell; null where it sent none. Throws `header-refused`. */
export function contentTypeOf({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): string | null {
  const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'content-type')
  const value = at < 0 ? '' : (rawHeaders[at + 1] ?? '')
  if (value === '') return null
  if (value.length > MAX_LENGTH || !PRINTABLE.test(value))
    throw httpFault('header-refused', `a content type is at most ${MAX_LENGTH} characters of printable ASCII`)
  return value
}

/** What is stored and no header can carry, percent-encoded; the body then goes out as bytes. */
export const OMITTED_TYPE_HEADER = 'crossfade-content-type-omitted'

/** The headers of a value's content type: rows that no client of ours wrote may hold anything. */
export function contentTypeHeaders(contentType: string | null): Readonly<Record<string, string>> {
  if (contentType === null) return { 'content-type': DEFAULT_CONTENT_TYPE }
  if (contentType.length <= MAX_LENGTH && PRINTABLE.test(contentType)) return { 'content-type': contentType }
  const told = encodeMeta(contentType.slice(0, MAX_LENGTH))
  return { 'content-type': DEFAULT_CONTENT_TYPE, [OMITTED_TYPE_HEADER]: told }
}

/**
 * A put whose body is not the whole value as it shall be stored. RFC 9110 wants 400 for a part of it (14.5) and 415 for a
 * coding that is not undone here (8.4): stored as they are they would be another value.
 */
export function assertWhole({ headers }: Pick<IncomingMessage, 'headers'>): void {
  if (headers['content-range'] !== undefined)
    throw httpFault('header-refused', 'Content-Range: a put replaces the whole value')
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.trim().toLowerCase() !== 'identity')
    throw httpFault(
      'media-type-unsupported',
      'Content-Encoding: a value is stored as it comes; send it without a coding',
    )
}
