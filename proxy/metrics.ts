import { Counter, Gauge, Histogram, type Registry, Summary } from 'prom-client'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What clients are answered, in every phase alike: in `off` it is the baseline of the migration. */
export const makeProxyMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'crossfade_requests_total',
      help: 'Requests of clients by outcome: ok, not_found, refused, failed, unknown, gone (the client). Phase is what ran.',
      labelNames: ['operation', 'phase', 'outcome'] as const,
      registers,
    }),
    byIntegration: new Counter({
      name: 'crossfade_integration_requests_total',
      help: 'Requests of clients about an integration of the configuration, by outcome: ok (not found, too), refused, failed.',
      labelNames: ['integration', 'operation', 'outcome'] as const,
      registers,
    }),
    calls: new Counter({
      name: 'crossfade_integration_calls_total',
      help: 'Calls to a side of an enrolled integration that its clients or comparisons needed, by outcome: ok, failed.',
      labelNames: ['integration', 'side', 'outcome'] as const,
      registers,
    }),
    /** Without quantiles, which would be many series: their mean is enough to see one side become slower than the other. */
    readSeconds: new Summary({
      name: 'crossfade_integration_read_seconds',
      help: 'Time that the reads among those calls took: their sum and their number.',
      labelNames: ['integration', 'side'] as const,
      percentiles: [],
      registers,
    }),
    duration: new Histogram({
      name: 'crossfade_request_duration_seconds',
      help: 'Time from the head of a request to the end of its answer.',
      labelNames: ['operation', 'phase'] as const,
      buckets: SECONDS,
      registers,
    }),
    inFlight: new Gauge({
      name: 'crossfade_requests_in_flight',
      help: 'Requests of clients that are being answered.',
      registers,
      aggregator: 'sum',
    }),
    comparisons: new Counter({
      name: 'crossfade_shadow_comparisons_total',
      help: 'Shadow comparisons that came to a conclusion: equal, mismatch.',
      labelNames: ['integration', 'result'] as const,
      registers,
    }),
    inconclusive: new Counter({
      name: 'crossfade_shadow_inconclusive_total',
      help: 'Shadow comparisons without a conclusion, by why: owing, changed, store_error, inconclusive.',
      labelNames: ['why'] as const,
      registers,
    }),
    mismatches: new Counter({
      name: 'crossfade_shadow_mismatches_total',
      help: 'Differences that stayed while nothing was written, by class.',
      labelNames: ['integration', 'class'] as const,
      registers,
    }),
    dropped: new Counter({
      name: 'crossfade_shadow_dropped_total',
      help: 'Shadow comparisons that were not made because the queue was full.',
      registers,
    }),
    queued: new Gauge({
      name: 'crossfade_shadow_queued',
      help: 'Shadow comparisons that wait or run.',
      registers,
      aggregator: 'sum',
    }),
  }
}

export type ProxyMetrics = ReturnType<typeof makeProxyMetrics>
