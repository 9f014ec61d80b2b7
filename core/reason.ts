/**
 * Bytes that a reason may have in UTF-8: it is kept in the audit record, events, caps, messages and names of operations, and all
 * of them hold that much.
 */
export const REASON_BYTES = 1000

/** Why a reason cannot be kept; null: it can. */
export function reasonProblem(reason: string): string | null {
  const bytes = Buffer.byteLength(reason)
  if (bytes === 0) return 'a reason must not be empty'
  return bytes <= REASON_BYTES ? null : `a reason has at most ${REASON_BYTES} bytes in UTF-8, this one has ${bytes}`
}
