import type { Slice } from './load.ts'
import { median, quantile, rounded } from './statistics.ts'

/** What one system did, as the median over its rounds: one round that the machine disturbed does not count for all. */
export interface Figures {
  readonly p50_ms: number | null
  readonly p99_ms: number | null
  readonly per_s: number | null
  readonly failures: number
}

/** `candidate` over `baseline`; the median of the ratios of rounds that ran right after each other. */
export interface Ratios {
  readonly ratio_p50: number | null
  readonly ratio_p99: number | null
  readonly ratio_throughput: number | null
}

export interface Rounds {
  readonly baseline: readonly Slice[]
  readonly candidate: readonly Slice[]
}

export interface CompareOptions {
  readonly rounds: number
  readonly baseline: () => Promise<Slice>
  readonly candidate: () => Promise<Slice>
}

/**
 * Warms both up, then A B A B ...: what changes on the machine meanwhile (heat, neighbours, a checkpoint) meets both.
 */
export const alternate = async ({ rounds, baseline, candidate }: CompareOptions): Promise<Rounds> => {
  await baseline()
  await candidate()
  const measured = { baseline: [] as Slice[], candidate: [] as Slice[] }
  for (let round = 0; round < rounds; round++) {
    measured.baseline.push(await baseline())
    measured.candidate.push(await candidate())
  }
  return measured
}

const p50 = ({ latenciesMs }: Slice): number => quantile(latenciesMs, 0.5)
const p99 = ({ latenciesMs }: Slice): number => quantile(latenciesMs, 0.99)
const perSecond = ({ latenciesMs, seconds }: Slice): number => latenciesMs.length / seconds

export const figuresOf = (slices: readonly Slice[]): Figures => ({
  p50_ms: rounded(median(slices.map(p50))),
  p99_ms: rounded(median(slices.map(p99))),
  per_s: rounded(median(slices.map(perSecond))),
  failures: slices.reduce((sum, { failures }) => sum + failures, 0),
})

export const ratiosOf = ({ baseline, candidate }: Rounds): Ratios => {
  const ratio = (figure: (slice: Slice) => number): number | null =>
    rounded(median(candidate.map((slice, round) => figure(slice) / figure(baseline[round] as Slice))))
  return { ratio_p50: ratio(p50), ratio_p99: ratio(p99), ratio_throughput: ratio(perSecond) }
}
