import type { SettleReport } from '../ledger/settle.ts'

/** ms that a pass may hold what it claimed: a conditional write of one of those secrets waits for it, 2 s at most. */
const LONG_PASS_MS = 500

/** Why a store refused, or a settle that names the side: it was asked for more than it does within its deadline, or than it allows. */
export const isTooMuch = (reason: string | null): boolean =>
  /^(?:(?:source|target): )?(?:late|timeout|throttled)$/.test(reason ?? '')

/** After too much. */
export const fewer = (taken: number): number => Math.max(1, Math.floor(taken / 2))

/** After what went well: by a hundredth of `most` at a time. */
export const more = (now: number, most: number): number => Math.min(most, now + Math.ceil(most / 100))

export interface PassTaken {
  /** Secrets that were asked for. */
  readonly limit: number
  readonly ms: number
  readonly reports: readonly SettleReport[]
}

/** Secrets of the next pass: fewer after too much, as many as take `LONG_PASS_MS` after one that took longer, else more. */
export function nextBatch(most: number, now: number, { limit, ms, reports }: PassTaken): number {
  if (reports.some(({ kind, reason }) => kind === 'unknown' || isTooMuch(reason))) return fewer(limit)
  if (reports.length > 0 && ms > LONG_PASS_MS)
    return Math.max(1, Math.min(now, Math.floor((reports.length * LONG_PASS_MS) / ms)))
  return more(now, most)
}
