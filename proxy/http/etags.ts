import type { Precondition } from '../operations.ts'
import { httpFault } from './faults.ts'

/** The tags of If-Match or If-None-Match. */
export type Tags = readonly { readonly tag: string; readonly weak: boolean }[] | '*'

const TAG = /^(W\/)?"([\x21\x23-\x7e]*)"$/
const refuse = (detail: string) => httpFault('precondition-refused', detail)

/** Null without the header. Throws `precondition-refused` where it is not `*` or a list of quoted tags. */
export function parseTags(header: string | undefined): Tags | null {
  if (header === undefined) return null
  if (header.trim() === '*') return '*'
  // A comma may stand inside a tag, so tags are matched rather than split at commas.
  const parts = header.match(/(?:[^,"]|"[^"]*"?)+/g) ?? []
  const tags = parts.map((part) => TAG.exec(part.trim()))
  if (tags.length === 0 || tags.includes(null)) throw refuse('a tag is not quoted, or the list is empty')
  return tags.map((match) => ({ tag: match?.[2] ?? '', weak: match?.[1] !== undefined }))
}

/** Strong comparison (RFC 9110 13.1.1): a weak tag never matches. */
export const strongTags = (tags: Tags): readonly string[] | '*' =>
  tags === '*' ? '*' : tags.filter(({ weak }) => !weak).map(({ tag }) => tag)

/** Weak comparison (RFC 9110 13.1.2), for 304. */
export const isNamed = (tags: Tags, etag: string): boolean => tags === '*' || tags.some(({ tag }) => tag === etag)

interface Headers {
  readonly 'if-match'?: string | undefined
  readonly 'if-none-match'?: string | undefined
}

/** What a write or a delete depends on. */
export function writePrecondition(headers: Headers, operation: 'put' | 'delete'): Precondition {
  const match = parseTags(headers['if-match'])
  const noneMatch = parseTags(headers['if-none-match'])
  if (noneMatch === null) return match === null ? { kind: 'none' } : { kind: 'match', etags: strongTags(match) }
  if (match !== null) throw refuse('If-Match and If-None-Match exclude each other')
  if (operation === 'delete' || noneMatch !== '*') throw refuse('only If-None-Match: * and only with a put')
  return { kind: 'none-match' }
}
