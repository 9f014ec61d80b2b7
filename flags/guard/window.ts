import type { Side } from '../../core/side.ts'
import { BINS, binOf } from './bins.ts'

/*
 * What was seen of one cohort of one integration, of this replica and of the others, over a window that slides by a tenth
 * of it. What this replica saw itself is kept beside until it is handed out to the others. Nothing is allocated but for
 * the buckets that hold something.
 */

/** What calls to one side ended with. */
export interface Tally {
  calls: number
  errors: number
  /** Latencies of the reads that were answered. */
  readonly reads: Uint32Array
}

export type Tallies = Readonly<Record<Side, Tally>>

/** One call to a store. */
export interface Sample {
  readonly side: Side
  readonly failed: boolean
  /** Of a read; null for a write: the two are not compared with each other. */
  readonly ms: number | null
}

const makeTally = (): Tally => ({ calls: 0, errors: 0, reads: new Uint32Array(BINS) })
export const makeTallies = (): Tallies => ({ legacy: makeTally(), new: makeTally() })

function count(tally: Tally, { failed, ms }: Sample): void {
  tally.calls += 1
  if (failed) tally.errors += 1
  else if (ms !== null) {
    const bin = binOf(ms)
    tally.reads[bin] = (tally.reads[bin] ?? 0) + 1
  }
}

export function addTally(into: Tally, other: Tally): void {
  into.calls += other.calls
  into.errors += other.errors
  other.reads.forEach((n, bin) => {
    if (n > 0) into.reads[bin] = (into.reads[bin] ?? 0) + n
  })
}

const BUCKETS = 10

export interface SlidingWindow {
  /** Seen by this replica. */
  add(sample: Sample, now: number): void
  /** Seen by another one. */
  merge(tallies: Tallies, now: number): void
  sum(now: number): Tallies
  /** What this replica saw since it was asked before; null: nothing. */
  takeOwn(): Tallies | null
  isEmpty(now: number): boolean
}

/** `length` in ms; `now` is of the caller's monotonic clock. */
export function makeWindow(length: number): SlidingWindow {
  const width = length / BUCKETS
  const buckets = new Map<number, Tallies>()
  let own: Tallies | null = null

  const current = (now: number): Tallies => {
    const index = Math.floor(now / width)
    const found = buckets.get(index)
    if (found !== undefined) return found
    const fresh = makeTallies()
    buckets.set(index, fresh)
    return fresh
  }
  const forget = (now: number): void => {
    const oldest = Math.floor(now / width) - BUCKETS
    for (const index of buckets.keys()) if (index <= oldest) buckets.delete(index)
  }
  return {
    add: (sample, now) => {
      count(current(now)[sample.side], sample)
      own ??= makeTallies()
      count(own[sample.side], sample)
    },
    merge: (tallies, now) => {
      const bucket = current(now)
      addTally(bucket.legacy, tallies.legacy)
      addTally(bucket.new, tallies.new)
    },
    sum: (now) => {
      forget(now)
      const all = makeTallies()
      for (const { legacy, new: fresh } of buckets.values()) {
        addTally(all.legacy, legacy)
        addTally(all.new, fresh)
      }
      return all
    },
    takeOwn: () => {
      const taken = own
      own = null
      return taken
    },
    isEmpty: (now) => {
      forget(now)
      return buckets.size === 0 && own === null
    },
  }
}
