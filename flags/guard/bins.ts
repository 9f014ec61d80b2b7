/*
 * Latencies in fixed bins, so that figures of replicas add up and take the same memory under any load. Four bins a
 * doubling, from 0.25 ms to half a minute: an edge is at most 19 % away from what it stands for, and whoever compares two
 * quantiles takes the edge that speaks against a difference.
 */
const FIRST_MS = 0.25
const PER_DOUBLING = 4
export const BINS = 69

export const binOf = (ms: number): number =>
  ms <= FIRST_MS ? 0 : Math.min(BINS - 1, Math.ceil(Math.log2(ms / FIRST_MS) * PER_DOUBLING))

const upperEdge = (bin: number): number => FIRST_MS * 2 ** (bin / PER_DOUBLING)
const lowerEdge = (bin: number): number => (bin === 0 ? 0 : upperEdge(bin - 1))

/** What the samples say of a quantile of the latency behind them, in ms; null without samples. */
export interface QuantileBounds {
  readonly samples: number
  /** Lower than this it is not, but for chance. */
  readonly low: number
  /** Nor higher than this; the slowest sample where there are too few to say. */
  readonly high: number
}

/** Chance of a bound that is wrong: about one in a thousand, each. */
const DEVIATIONS = 3

/** By order statistics: the number of samples below a quantile is binomial, whatever the latencies look like. */
export function quantileBounds(bins: Uint32Array, share: number): QuantileBounds | null {
  const samples = bins.reduce((sum, n) => sum + n, 0)
  if (samples === 0) return null
  const spread = DEVIATIONS * Math.sqrt(samples * share * (1 - share))
  const low = lowerEdge(binAt(bins, Math.max(1, Math.floor(samples * share - spread))))
  const high = upperEdge(binAt(bins, Math.min(samples, Math.ceil(samples * share + spread))))
  return { samples, low, high }
}

/** The bin of the sample of this rank, from 1. */
function binAt(bins: Uint32Array, rank: number): number {
  let seen = 0
  for (const [bin, n] of bins.entries()) {
    seen += n
    if (seen >= rank) return bin
  }
  return bins.length - 1
}
