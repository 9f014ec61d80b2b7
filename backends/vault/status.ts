import { type Failure, no, unsure } from '../failure.ts'

/** What every Vault answers when it is sealed, has no active node, or is locked: nothing was looked at. Others' 503 may be of a request that was passed on. */
const isOwnRefusal = (body: Buffer): boolean =>
  /^\s*\{\s*"errors"\s*:\s*\[\s*"[^"]*(?:sealed|no active|locked)/i.test(body.toString('latin1', 0, 500))

/**
 * What a status means for what was asked, where every caller reads it in the same way; null: the caller's to judge.
 * A 403 is judged by the client first, since a new token may help.
 */
export function statusFailure(status: number, body: Buffer): Failure | null {
  if (status === 401 || status === 403) return no('denied')
  if (status === 408) return unsure('timeout')
  if (status === 429) return no('throttled', true)
  if (status === 503 && isOwnRefusal(body)) return no('unavailable', true)
  if (status >= 200 && status < 300) return null
  return status >= 400 && status < 500 ? null : unsure('protocol')
}
