import { type Counts, sumBy } from './postgres/progress.ts'
import type { Sample, Span } from './postgres/progress-history.ts'

/** Of what the counts are a sum: an integration, a team, or a cohort over all integrations that were asked about. */
export interface Series {
  readonly key: string
  /** At each end of a step from the first sample of the series on. */
  readonly points: readonly { readonly at: number; readonly counts: Counts }[]
}

/** The ends of the steps of a span; the last is its end. */
export const gridOf = ({ since, until, step }: Span): readonly number[] => {
  const whole = Math.max(1, Math.ceil((until - since) / step))
  return Array.from({ length: whole }, (_, i) => Math.min(until, since + (i + 1) * step))
}

/** Samples, oldest first, as sums by a key at each end of a step: a sample holds until the next one of its integration. */
export function burndown(
  samples: readonly Sample[],
  span: Span,
  keyOf: (integration: string, cohort: string) => string,
): readonly Series[] {
  const points = new Map<string, { at: number; counts: Counts }[]>()
  const holding = new Map<string, Sample>()
  let next = 0
  let held: ReadonlyMap<string, Counts> = new Map()
  for (const at of gridOf(span)) {
    const seen = next
    for (let sample = samples[next]; sample !== undefined && sample.at <= at; sample = samples[next]) {
      holding.set(sample.integration, sample)
      next += 1
    }
    if (next > seen) held = sums(holding.values(), keyOf)
    for (const [key, counts] of held) {
      const own = points.get(key) ?? []
      own.push({ at, counts })
      points.set(key, own)
    }
  }
  return [...points].map(([key, own]) => ({ key, points: own })).sort((a, b) => (a.key < b.key ? -1 : 1))
}

const sums = (
  samples: Iterable<Sample>,
  keyOf: (integration: string, cohort: string) => string,
): ReadonlyMap<string, Counts> =>
  sumBy(
    [...samples].flatMap(({ integration, cohorts }) =>
      [...cohorts].map(([cohort, counts]) => ({ ...counts, key: keyOf(integration, cohort) })),
    ),
    ({ key }) => key,
  )
