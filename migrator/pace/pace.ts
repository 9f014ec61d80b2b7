/*
 * What copying, verifying and listing ask before each pass, so that they take no more of the machines than they may: how
 * many secrets the pass may work on, when it may begin, and how many passes there may be at once.
 */

/** What a pass can be held back by; the labels of the metric, so a closed set. */
export const THROTTLES = [
  'rate',
  'start',
  'baseline',
  'clients',
  'legacy-latency',
  'legacy-errors',
  'legacy-limit',
  'new-latency',
  'new-errors',
  'new-limit',
] as const
export type Throttle = (typeof THROTTLES)[number]

/** For people. */
export const THROTTLE_WORDS = {
  rate: 'the rate that was asked for',
  start: 'a careful start',
  baseline: "a look at clients' latency without copying",
  clients: "clients' latency",
  'legacy-latency': "the legacy store's latency",
  'legacy-errors': "the legacy store's errors",
  'legacy-limit': "the legacy store's rate limit",
  'new-latency': "the new store's latency",
  'new-errors': "the new store's errors",
  'new-limit': "the new store's rate limit",
} as const satisfies Record<Throttle, string>

/** Leave for one pass. */
export interface Share {
  /** Secrets that the pass may work on, at least one. */
  readonly secrets: number
  /** The pass has ended and worked on so many secrets: fewer or more than its share count for the next pass. Call it once. */
  end(worked: number): void
}

export interface Pace {
  /** Resolves when a pass may begin, with at most `most` secrets. Rejects when aborted. */
  take(integration: string, most: number, signal: AbortSignal): Promise<Share>
  /** The same, if it may begin at this moment; else null. */
  tryTake(integration: string, most: number): Share | null
  /** For what is urgent: counts as a pass, and waits for a place among the passes at once, but for no rate. */
  place(integration: string, most: number, signal: AbortSignal): Promise<Share>
  /** What holds passes of the integration back now; null: nothing. */
  throttledBy(integration: string): Throttle | null
}

/** What an integration may take: of one process, where several share it each has its part. */
export interface PaceLimits {
  /** Secrets a second; null: as many as come. */
  readonly rate: number | null
  /** Passes at once. */
  readonly concurrency: number
}
