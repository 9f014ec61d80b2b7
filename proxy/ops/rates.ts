import type { Registry } from 'prom-client'
import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { SIDES, type Side } from '../../core/side.ts'
import { type Bound, histogramsOf, quantile, type Sample, samplesOf } from './latencies.ts'
import { instant } from './words.ts'

/*
 * How it went in the last few seconds, again and again: what the live page draws over time. Metrics only ever grow, so a
 * point is the difference of two looks at this replica's own; Prometheus does the same with those of all of them.
 */

const flowSchema = z.strictObject({
  per_second: z.number(),
  failed_per_second: z.number(),
  p50_seconds: z.number().nullable().describe('null: nothing was called.'),
  p99_seconds: z.number().nullable(),
})
export const ratePointSchema = z.strictObject({
  at: instant,
  clients: flowSchema.describe('What clients saw.'),
  legacy: flowSchema.describe('Calls to the stores of this side.'),
  new: flowSchema,
  comparisons_per_second: z.number(),
  mismatches_per_second: z.number(),
})
export type Flow = z.infer<typeof flowSchema>
export type RatePoint = z.infer<typeof ratePointSchema>

export interface Rates {
  /** Oldest first; a quarter of an hour at most. */
  points(): readonly RatePoint[]
  /** Measures until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface RatesDeps {
  readonly registry: Registry
  readonly clock: Clock
  /** Where a store is used. */
  readonly sideOf: (store: string) => Side | null
}

/** ms between two points, and how many are kept. */
const EVERY = 5000
const KEPT = 180

/** What was not answered as it should: of clients' requests `failed` and `unknown`; of a store what its breaker counts. */
const FAILED = /^(?:failed$|unknown|error|refused_(?:unavailable|timeout|connection-lost|protocol)$)/

interface Total {
  readonly bounds: ReadonlyMap<number, number>
  readonly count: number
  readonly failed: number
}
interface Look {
  readonly at: number
  readonly totals: Readonly<Record<'clients' | Side, Total>>
  readonly comparisons: number
  readonly mismatches: number
}

export function makeRates({ registry, clock, sideOf }: RatesDeps): Rates {
  const kept: RatePoint[] = []

  const totalOf = async (durations: string, counts: string, isMeant: (labels: Sample['labels']) => boolean) => {
    const bounds = new Map<number, number>()
    let count = 0
    for (const histogram of await histogramsOf(registry, durations)) {
      if (!isMeant(histogram.labels)) continue
      count += histogram.count
      for (const { le, count: n } of histogram.bounds) bounds.set(le, (bounds.get(le) ?? 0) + n)
    }
    const outcomes = (await samplesOf(registry, counts)).filter(({ labels }) => isMeant(labels))
    return { bounds, count, failed: sum(outcomes.filter(({ labels }) => FAILED.test(String(labels['outcome'])))) }
  }
  const storesOf = (side: Side) =>
    totalOf(
      'crossfade_store_seconds',
      'crossfade_store_outcomes_total',
      ({ store }) => sideOf(String(store ?? '')) === side,
    )
  const look = async (): Promise<Look> => {
    const [legacy, fresh] = await Promise.all(SIDES.map(storesOf))
    return {
      at: clock.monotonic(),
      totals: {
        clients: await totalOf('crossfade_request_duration_seconds', 'crossfade_requests_total', () => true),
        legacy: legacy as Total,
        new: fresh as Total,
      },
      comparisons: sum(await samplesOf(registry, 'crossfade_shadow_comparisons_total')),
      mismatches: sum(await samplesOf(registry, 'crossfade_shadow_mismatches_total')),
    }
  }

  return {
    points: () => kept,
    run: async (signal) => {
      let before = await look()
      while (!signal.aborted) {
        await clock.sleep(EVERY, signal).catch(() => undefined)
        if (signal.aborted) return
        const now = await look()
        kept.push(pointOf(before, now, new Date(clock.wall()).toISOString()))
        if (kept.length > KEPT) kept.shift()
        before = now
      }
    },
  }
}

function pointOf(before: Look, now: Look, at: string): RatePoint {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000)
  const flow = (of: 'clients' | Side): Flow => flowOf(before.totals[of], now.totals[of], seconds)
  return {
    at,
    clients: flow('clients'),
    legacy: flow('legacy'),
    new: flow('new'),
    comparisons_per_second: (now.comparisons - before.comparisons) / seconds,
    mismatches_per_second: (now.mismatches - before.mismatches) / seconds,
  }
}

function flowOf(before: Total, now: Total, seconds: number): Flow {
  const count = now.count - before.count
  const bounds: readonly Bound[] = [...now.bounds]
    .map(([le, n]) => ({ le, count: n - (before.bounds.get(le) ?? 0) }))
    .sort((a, b) => a.le - b.le)
  return {
    per_second: count / seconds,
    failed_per_second: (now.failed - before.failed) / seconds,
    p50_seconds: quantile(0.5, bounds, count),
    p99_seconds: quantile(0.99, bounds, count),
  }
}

const sum = (samples: readonly Sample[]): number => samples.reduce((all, { value }) => all + value, 0)
