/**
 * A deadline on the caller's clock, said in the store's clock, without assuming that the two agree.
 *
 * A statement reads `clock_timestamp()` at some instant between t0 (sent) and t1 (received), both on the caller's
 * monotonic clock. The store's clock showed S at an instant no later than t1, so at the caller's instant D it shows at
 * least S + (D - t1). That is the deadline sent: never later than the true instant, early by at most the time that
 * the answer took. Readings belong to one connection, so they never outlive a failover to another server.
 *
 * What remains: between two readings (ten seconds at most) the clocks may drift, for which `DRIFT` is taken off, and
 * the store's clock may be stepped back by its administrator, for which nothing can be done.
 */
export interface ClockReading {
  /** What the store's clock showed, in ms since its epoch. */
  readonly store: number
  /** When the answer had arrived, on the caller's monotonic clock, in ms. */
  readonly received: number
}

/** A reading older than this is not used for a deadline. */
export const READING_LIFE_MS = 10_000

/** Two quartz clocks differ by some 100 ppm, and NTP slews by at most 500 ppm. */
const DRIFT = 0.001

/** The store's time at the caller's instant `deadline`, rounded to the early side. */
export function storeDeadline(reading: ClockReading, deadline: number): number {
  const elapsed = deadline - reading.received
  return reading.store + elapsed - Math.abs(elapsed) * DRIFT
}

export const isStale = (reading: ClockReading, now: number): boolean => now - reading.received > READING_LIFE_MS

/** Keeps the tighter of two readings, unless the older one has had its time. */
export function tighter(old: ClockReading | undefined, next: ClockReading): ClockReading {
  if (!old || isStale(old, next.received)) return next
  return old.store - old.received > next.store - next.received ? old : next
}
