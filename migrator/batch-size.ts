import type { SettleReport } from '../ledger/settle.ts'

/** ms that a pass may hold what it claimed: a conditional write of one of those secrets waits for it, 2 s at most. */
const LONG_PASS_MS = 500

const TOO_SLOW: ReadonlySet<string | null> = new Set(
  ['late', 'timeout'].flatMap((reason) => [`source: ${reason}`, `target: ${reason}`]),
)

export interface PassTaken {
  /** Secrets that were asked for. */
  readonly limit: number
  readonly ms: number
  readonly reports: readonly SettleReport[]
}

/**
 * Secrets of the next pass: half of what was too much for a store's deadline, as many as take `LONG_PASS_MS` after one that
 * took longer, else more by a hundredth of `most` at a time.
 */
export function nextBatch(most: number, now: number, { limit, ms, reports }: PassTaken): number {
  const isSlow = reports.some((report) => report.kind === 'unknown' || TOO_SLOW.has(report.reason))
  if (isSlow) return Math.max(1, Math.floor(limit / 2))
  if (reports.length > 0 && ms > LONG_PASS_MS)
    return Math.max(1, Math.min(now, Math.floor((reports.length * LONG_PASS_MS) / ms)))
  return Math.min(most, now + Math.ceil(most / 100))
}
