import type { Registry } from 'prom-client'
import type { Side } from '../../core/side.ts'
import type { Latency, OutcomeCount } from './status.ts'

/*
 * The baseline that `status` shows, read from this replica's own metrics: what clients saw (crossfade_request_*), by phase,
 * and what each store took (crossfade_store_*). Quantiles are those of Prometheus' histogram_quantile.
 */

export interface Sample {
  readonly metricName?: string
  readonly value: number
  readonly labels: Readonly<Partial<Record<string, string | number>>>
}

/** So many took at most `le` seconds. */
export interface Bound {
  readonly le: number
  readonly count: number
}

interface Buckets {
  readonly labels: Sample['labels']
  readonly bounds: Bound[]
  count: number
}

/** Linear within the bucket that holds the quantile; null without samples; the last finite bound beyond it. */
export function quantile(q: number, bounds: readonly Bound[], count: number): number | null {
  if (count === 0) return null
  const rank = q * count
  let below = { le: 0, count: 0 }
  for (const bound of bounds.filter(({ le }) => Number.isFinite(le))) {
    if (bound.count >= rank)
      return below.le + ((bound.le - below.le) * (rank - below.count)) / Math.max(1, bound.count - below.count)
    below = bound
  }
  return below.le
}

export const samplesOf = async (registry: Registry, name: string): Promise<readonly Sample[]> =>
  ((await registry.getSingleMetric(name)?.get())?.values ?? []) as readonly Sample[]

export async function histogramsOf(registry: Registry, name: string): Promise<readonly Buckets[]> {
  const found = new Map<string, Buckets>()
  for (const { metricName, labels, value } of await samplesOf(registry, name)) {
    const { le, ...rest } = labels
    const key = JSON.stringify(Object.entries(rest).sort())
    const entry = found.get(key) ?? { labels: rest, bounds: [], count: 0 }
    found.set(key, entry)
    if (metricName === `${name}_bucket`) entry.bounds.push({ le: Number(le === '+Inf' ? Infinity : le), count: value })
    if (metricName === `${name}_count`) entry.count = value
  }
  return [...found.values()]
}

const text = (value: string | number | undefined): string => String(value ?? '')

/** Outcomes of clients' requests by integration; one look at the metrics for all of them. */
export async function outcomesOf(registry: Registry): Promise<ReadonlyMap<string, OutcomeCount[]>> {
  const samples = await samplesOf(registry, 'crossfade_integration_requests_total')
  const each = Map.groupBy(samples, ({ labels }) => text(labels['integration']))
  return new Map(
    [...each].map(([integration, own]) => [
      integration,
      own.map(({ labels, value }) => ({
        operation: text(labels['operation']),
        outcome: text(labels['outcome']),
        count: value,
      })),
    ]),
  )
}

/** Latencies and outcomes of all clients' requests, and of each store; `sideOf` says where a store is used. */
export async function latenciesOf(
  registry: Registry,
  sideOf: (store: string) => Side | null,
): Promise<readonly Latency[]> {
  const clients = await rows(registry, {
    durations: 'crossfade_request_duration_seconds',
    counts: 'crossfade_requests_total',
    by: ['operation', 'phase'],
  })
  const stores = await rows(registry, {
    durations: 'crossfade_store_seconds',
    counts: 'crossfade_store_outcomes_total',
    by: ['store', 'op'],
  })
  return [
    ...clients.map(({ labels, ...row }) => ({
      side: null,
      store: null,
      phase: text(labels['phase']),
      operation: text(labels['operation']),
      ...row,
    })),
    ...stores.map(({ labels, ...row }) => ({
      side: sideOf(text(labels['store'])),
      store: text(labels['store']),
      phase: null,
      operation: text(labels['op']),
      ...row,
    })),
  ]
}

async function rows(
  registry: Registry,
  { durations, counts, by }: { readonly durations: string; readonly counts: string; readonly by: readonly string[] },
) {
  const outcomes = await samplesOf(registry, counts)
  return (await histogramsOf(registry, durations)).map(({ labels, bounds, count }) => ({
    labels,
    count,
    p50_seconds: quantile(0.5, bounds, count),
    p99_seconds: quantile(0.99, bounds, count),
    outcomes: summed(outcomes.filter((sample) => by.every((name) => sample.labels[name] === labels[name]))),
  }))
}

function summed(samples: readonly Sample[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { labels, value } of samples) {
    const outcome = text(labels['outcome'])
    sums[outcome] = (sums[outcome] ?? 0) + value
  }
  return sums
}
