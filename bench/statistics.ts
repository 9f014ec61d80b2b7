/** The value below which `share` (0 to 1) of the samples lie: nearest rank, no interpolation. NaN without samples. */
export const quantile = (samples: readonly number[], share: number): number => {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** The middle one; the mean of the middle two of an even number. NaN without samples. */
export const median = (samples: readonly number[]): number => {
  const sorted = Float64Array.from(samples).sort()
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** To three significant digits, as JSON shows it; null where there is no number. */
export const rounded = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(3)) : null)
