import type { StoreProblem } from '../store.ts'
import type { VaultOutcome } from './request.ts'

export type Fields = Readonly<Record<string, unknown>>

/** `data` of an answer with status 200; null if there is none. */
export function dataOf(outcome: VaultOutcome): Fields | null {
  if (outcome.kind === 'failed' || outcome.status !== 200) return null
  try {
    const { data } = JSON.parse(outcome.body.toString('utf8')) as { data?: unknown }
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Fields) : null
  } catch {
    // The message would quote the body.
    return null
  }
}

/** Where a token asks what it may do. */
export const CAPABILITIES = ['sys', 'capabilities-self']
export const MAY_NOT_ASK: StoreProblem = {
  level: 'warning',
  message:
    'this token may not ask what it may do, so that its rights are not known: add path "sys/capabilities-self" { capabilities = ["update"] }',
}

/** Whether an answer of `CAPABILITIES` says that the token has one of these rights at a path. */
export function hasRight(granted: Fields, path: string, rights: readonly string[]): boolean {
  const held = granted[path]
  return Array.isArray(held) && [...rights, 'root'].some((right) => held.includes(right))
}
