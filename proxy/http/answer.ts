import type { FastifyReply } from 'fastify'
import { proxyFault } from '../faults.ts'
import type { ListResult, ReadResult, Served, WriteResult } from '../operations.ts'
import { contentTypeHeaders } from './content-type.ts'
import { isNamed, strongTags, type Tags } from './etags.ts'
import { sendProblem } from './front.ts'
import { encodeMeta, metadataHeaders } from './metadata.ts'

type Headers = Readonly<Record<string, string>>

const PRIVATE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** Who answered and why (I9). */
export const servedHeaders = (served: Served): Headers => ({
  'crossfade-served-by': served.by ?? 'none',
  'crossfade-phase': served.phase,
  ...(served.fallback === null ? {} : { 'crossfade-fallback': served.fallback }),
  ...(served.unproven ? { 'crossfade-unproven': 'true' } : {}),
})

const versionHeader = (version: string | null): Headers =>
  version === null ? {} : { 'crossfade-version': encodeMeta(version) }

export interface ReadConditions {
  readonly match: Tags | null
  readonly noneMatch: Tags | null
}

/** A read's answer: the value, 304, 404 or 412. */
export function sendRead(reply: FastifyReply, result: ReadResult, { match, noneMatch }: ReadConditions): FastifyReply {
  const served = servedHeaders(result.served)
  if (result.kind === 'absent') {
    return match === null
      ? sendProblem(reply, proxyFault('secret-not-found', 'there is no secret at this address'), served)
      : sendProblem(reply, proxyFault('precondition-failed', 'there is no secret at this address'), served)
  }
  const { secret, etag, version } = result
  const headers = { ...PRIVATE, ...served, ...versionHeader(version), etag: `"${etag}"` }
  const wanted = match === null ? '*' : strongTags(match)
  if (wanted !== '*' && !wanted.includes(etag))
    return sendProblem(reply, proxyFault('precondition-failed', 'no tag of If-Match is the current one'), headers)
  if (noneMatch !== null && isNamed(noneMatch, etag)) return reply.code(304).headers(headers).send()
  const bytes = secret.value.open()
  return reply
    .code(200)
    .headers({ ...headers, ...metadataHeaders(secret.metadata), ...contentTypeHeaders(secret.contentType) })
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

/** 204, for a put with the new ETag. Removing what is not there is 204 as well: a delete can be sent again. */
export function sendWrite(reply: FastifyReply, { etag, version, served }: WriteResult): FastifyReply {
  const tag: Headers = etag === null ? {} : { etag: `"${etag}"` }
  return reply
    .code(204)
    .headers({ ...PRIVATE, ...servedHeaders(served), ...versionHeader(version), ...tag })
    .send()
}

export const sendList = (reply: FastifyReply, { entries, next, served }: ListResult): FastifyReply =>
  reply
    .code(200)
    .headers({ ...PRIVATE, ...servedHeaders(served), 'content-type': 'application/json' })
    .send(Buffer.from(JSON.stringify({ entries: entries.map(({ name }) => ({ name })), next })))
