import { Counter, Gauge, type Registry } from 'prom-client'

/** What the flags room measures. Labels are bounded: kinds and reasons, and integrations of the configuration. */
export const makeFlagsMetrics = (registry: Registry) => {
  const registers = [registry]
  const readers = new Set<() => void>()
  return {
    /** Calls `read` at every scrape, for gauges whose truth is elsewhere; ends with the function that it returns. */
    beforeScrape: (read: () => void): (() => void) => {
      readers.add(read)
      return () => readers.delete(read)
    },
    lastSuccess: new Gauge({
      name: 'crossfade_flag_source_last_success_timestamp_seconds',
      help: 'When the flag source last proved that its flags are current.',
      registers,
      aggregator: 'min',
      // The first of them; prom-client collects the metrics in the order of their registration.
      collect: () => {
        for (const read of readers) read()
      },
    }),
    stale: new Gauge({
      name: 'crossfade_flag_source_stale',
      help: '1 while the flags may be out of date and the last known phases stand.',
      registers,
      aggregator: 'max',
    }),
    problems: new Counter({
      name: 'crossfade_flag_source_problems_total',
      help: 'Answers of the flag source that were refused, by problem.',
      labelNames: ['problem'] as const,
      registers,
    }),
    snapshots: new Counter({
      name: 'crossfade_flag_snapshots_total',
      help: 'Snapshots judged: accepted, held by max_moves, or waiting for the phase memory.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    moves: new Counter({
      name: 'crossfade_flag_moves_total',
      help: 'Changed definitions of flags that took effect.',
      registers,
    }),
    held: new Gauge({
      name: 'crossfade_flag_held_integrations',
      help: 'Integrations whose last known phase stands because their flag cannot be followed, by reason.',
      labelNames: ['reason'] as const,
      registers,
      aggregator: 'max',
    }),
    requested: new Gauge({
      name: 'crossfade_phase_requested',
      help: 'The highest phase that the flag asks for in a cohort: 0 off, 1 dualwrite, 2 shadow, 3 live, 4 rampdown, 5 complete.',
      labelNames: ['integration', 'cohort'] as const,
      registers,
      aggregator: 'max',
    }),
    effective: new Gauge({
      name: 'crossfade_phase_effective',
      help: 'The highest phase that runs in a cohort, after caps and the state of the integration; numbered as crossfade_phase_requested.',
      labelNames: ['integration', 'cohort'] as const,
      registers,
      aggregator: 'max',
    }),
    integrations: new Gauge({
      name: 'crossfade_integrations',
      help: 'Integrations of the configuration by the highest phase that runs in any of their cohorts.',
      labelNames: ['phase'] as const,
      registers,
      aggregator: 'max',
    }),
    info: new Gauge({
      name: 'crossfade_integration_info',
      help: '1: who owns an integration, which stores it uses, and its state in the ledger.',
      labelNames: ['integration', 'owner', 'legacy', 'new', 'state'] as const,
      registers,
      aggregator: 'max',
    }),
    evaluations: new Counter({
      name: 'crossfade_flag_evaluations_total',
      help: 'Flags evaluated (not answered from the cache), by where the phase came from.',
      labelNames: ['source'] as const,
      registers,
    }),
    gates: new Gauge({
      name: 'crossfade_gate_held',
      help: '1 while a gate holds a cohort back from what its flag asks for, by the phase that it guards.',
      labelNames: ['integration', 'cohort', 'phase'] as const,
      registers,
      aggregator: 'max',
    }),
    caps: new Gauge({
      name: 'crossfade_caps',
      help: 'Caps that hold now, by kind.',
      labelNames: ['kind'] as const,
      registers,
      aggregator: 'max',
    }),
    guardTrips: new Counter({
      name: 'crossfade_guard_trips_total',
      help: 'Times the guard of this replica capped a cohort, by the budget that was broken: mismatches, errors, latency.',
      labelNames: ['integration', 'budget'] as const,
      registers,
    }),
    guardUsed: new Gauge({
      name: 'crossfade_guard_budget_used_ratio',
      help: 'How much of its most used budget the guard has used, in the worst cohort in which new is read; above 1 it trips.',
      labelNames: ['integration'] as const,
      registers,
      aggregator: 'max',
    }),
    guardShared: new Gauge({
      name: 'crossfade_guard_figures_shared',
      help: '1 while the guard judges the figures of all replicas; 0: it hears nobody, and judges those of this one.',
      registers,
      aggregator: 'min',
    }),
  }
}

export type FlagsMetrics = ReturnType<typeof makeFlagsMetrics>
