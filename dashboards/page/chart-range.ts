/** Seconds around a single sample, so that it has a place on an axis. */
const AROUND = 30

/** The time that an axis shows: what there is, from the first sample to the last; around one sample, half a minute. */
export const timeRange = (first: number, last: number): [number, number] =>
  last - first < 1 ? [first - AROUND, last + AROUND] : [first, last]

/** Indices of samples that no line reaches, since there is none before and none after: they are drawn as points. */
export const loneSamples = (values: readonly (number | null | undefined)[]): number[] =>
  values.flatMap((value, at) => (value == null || values[at - 1] != null || values[at + 1] != null ? [] : [at]))
