/*
 * Latencies seen, with what is old fading: bins of a sixteenth of a doubling, so that a quantile is within 5 %. Halving all
 * counts when there are too many lets the new ones weigh more, without a clock.
 */
export interface Latencies {
  add(ms: number): void
  /** ms below which this share of them lies; null while there are too few to say. */
  quantile(share: number): number | null
  /** Samples, those that faded not counted. */
  readonly weight: number
}

const FIRST_MS = 0.05
const PER_DOUBLING = 16
const BINS = 340

export function makeLatencies({ least, most }: { readonly least: number; readonly most: number }): Latencies {
  const bins = new Float64Array(BINS)
  let weight = 0

  const fade = (): void => {
    for (let bin = 0; bin < BINS; bin += 1) bins[bin] = (bins[bin] as number) / 2
    weight /= 2
  }
  return {
    add: (ms) => {
      if (weight >= most) fade()
      const bin = ms <= FIRST_MS ? 0 : Math.min(BINS - 1, Math.ceil(Math.log2(ms / FIRST_MS) * PER_DOUBLING))
      bins[bin] = (bins[bin] as number) + 1
      weight += 1
    },
    quantile: (share) => {
      if (weight < least) return null
      let seen = 0
      for (let bin = 0; bin < BINS; bin += 1) {
        seen += bins[bin] as number
        if (seen >= weight * share) return FIRST_MS * 2 ** (bin / PER_DOUBLING)
      }
      return null
    },
    get weight() {
      return weight
    },
  }
}
