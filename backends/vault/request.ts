import type { Failure } from '../failure.ts'
import type { SecretValue } from '../secret.ts'

export type VaultMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One request below /v1. */
export interface VaultRequest {
  readonly method: VaultMethod
  /** Segments, not encoded: `['secret', 'data', 'aws', 'acme']`. None may be empty, `.` or `..`, or hold a slash or a control character. */
  readonly path: readonly string[]
  /** `{ list: 'true' }` lists; the method LIST is not used, since not everything between lets it pass. */
  readonly query?: Readonly<Record<string, string>>
  /** JSON, sent as it is. */
  readonly body?: string | Uint8Array
  /** `application/merge-patch+json` for PATCH; `application/json` if not said. */
  readonly contentType?: string
  /** Sent with this token instead of the client's own; a 403 is then the answer, and no reason for a login. */
  readonly token?: SecretValue
}

export type VaultOutcome =
  /**
   * 2xx, or a refusal whose meaning the caller knows: 400, 404, 405, 409, 412, 413 and other 4xx. All else is `failed`.
   * The body is what came: it may be cut JSON of a proxy in between, and it may hold secrets.
   */
  { readonly kind: 'answer'; readonly status: number; readonly body: Buffer } | VaultFailure

export interface VaultFailure {
  readonly kind: 'failed'
  readonly failure: Failure
  /** For people: a status, or the code of a connection's error. Never what was sent or answered. */
  readonly detail: string
}

export const vaultFailure = (failure: Failure, detail: string): VaultFailure => ({ kind: 'failed', failure, detail })

const CONTROL = /\p{Cc}/u
const isSegment = (text: string): boolean =>
  text !== '' && text.isWellFormed() && !/^\.{1,2}$/.test(text) && !text.includes('/') && !CONTROL.test(text)

/**
 * The target as it goes on the wire, or null if a segment cannot be sent as it is. Go decodes a path once before it is
 * routed, so `%2F` would be a separator there; and a server, or a proxy in between, resolves `.` and `..`.
 */
export function targetOf({ path, query }: VaultRequest): string | null {
  if (path.length === 0 || !path.every(isSegment)) return null
  const search = new URLSearchParams(query).toString()
  return `/v1/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}
