import { type Fault, isFault } from '../../core/fault.ts'
import { proxyFault } from '../faults.ts'
import { httpFault } from './faults.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** RFC 9457, with our code and what to do next. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly next: string
  readonly instance: string
}

/** `type` names the page that lists all codes; `instance` is the request id, which the log and the audit hold too. */
export const problemOf = (fault: Fault, requestId: string): Problem => ({
  type: `docs/errors.md#${fault.code}`,
  title: fault.title,
  status: fault.status,
  detail: fault.detail,
  code: fault.code,
  next: fault.next,
  instance: `urn:uuid:${requestId}`,
})

/** Headers that belong to a fault. */
export const problemHeaders = (fault: Fault): Readonly<Record<string, string>> => ({
  'content-type': PROBLEM_TYPE,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  ...(fault.retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(fault.retryAfter))) }),
  ...(fault.status === 401 ? { 'www-authenticate': 'Bearer realm="crossfade"' } : {}),
})

/** Fastify's own refusals by their code; none of its messages is passed on. */
const FRAMEWORK: Readonly<Record<string, (() => Fault) | undefined>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => proxyFault('value-too-large', 'the body is larger than is taken here'),
  FST_ERR_BAD_URL: () => httpFault('path-refused', 'a percent escape is not valid UTF-8'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => httpFault('media-type-unsupported', 'the content type is not known here'),
}

/** Whatever was thrown, as a fault; what is not ours becomes `internal`, and its message stays inside. */
export function faultOf(error: unknown): Fault {
  if (isFault(error)) return error
  const { code, statusCode } = (error ?? {}) as { readonly code?: unknown; readonly statusCode?: unknown }
  const known = typeof code === 'string' ? FRAMEWORK[code]?.() : undefined
  if (known !== undefined) return known
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return httpFault('request-malformed', 'the body is not what the headers announce')
  return httpFault('internal', 'see the log of this replica', { cause: error })
}

/** What a log may say of an unexpected error: its kind and where, never its message, which could quote a value. */
export function traceOf(error: unknown): { readonly error: string; readonly at: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error, at: [] }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { error: error.name, at: frames.slice(0, 8).map((line) => line.trim()) }
}
