import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { makeAccessMetrics } from '../../access/metrics.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { makeFlagsMetrics } from '../../flags/metrics.ts'
import { makeLedgerMetrics } from '../../ledger/metrics.ts'
import { makeMigratorMetrics } from '../../migrator/metrics.ts'
import { makeProxyMetrics } from '../../proxy/metrics.ts'
import { foldIntegrations } from './fold-integrations.ts'
import type { Aggregator } from './merge-metrics.ts'

/** Gauges of prom-client that end in `_total`, which is of counters; the same without it counts them by type. */
const MISNAMED = ['active_handles_total', 'active_requests_total', 'active_resources_total'] as const

/** Every room's own metrics in one registry. `integrationSeries` false: without a series for each integration. */
export function makeMetrics(integrationSeries = true) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'crossfade_' })
  for (const name of MISNAMED) registry.removeSingleMetric(`crossfade_nodejs_${name}`)
  const metrics = {
    registry,
    access: makeAccessMetrics(registry),
    backends: makeBackendsMetrics(registry),
    flags: makeFlagsMetrics(registry),
    ledger: makeLedgerMetrics(registry),
    migrator: makeMigratorMetrics(registry),
    proxy: makeProxyMetrics(registry),
  }
  if (!integrationSeries) foldIntegrations(registry)
  return metrics
}

export type Metrics = ReturnType<typeof makeMetrics>

/** Of the process that starts workers; the rest of what it shows is theirs. */
export const makePrimaryMetrics = (registry: Registry) => ({
  workers: new Gauge({
    name: 'crossfade_workers',
    help: 'Processes that share the port for clients.',
    registers: [registry],
    aggregator: 'first',
  }),
  restarts: new Counter({
    name: 'crossfade_worker_restarts_total',
    help: 'Workers that ended by themselves and were started again.',
    registers: [registry],
  }),
})

/** All of them in one registry, with no values: what boards, alerts and the page of metrics are about. */
export function everyMetric(): Registry {
  const { registry } = makeMetrics()
  makePrimaryMetrics(registry)
  return registry
}

/** How the values that several workers have for one series become one. */
export function aggregatorsOf(): (metric: string) => Aggregator {
  const { registry } = makeMetrics()
  const declared = registry.getMetricsAsArray() as unknown as readonly { name: string; aggregator?: Aggregator }[]
  const known = new Map(declared.map(({ name, aggregator }) => [name, aggregator ?? 'sum']))
  return (metric) => known.get(metric) ?? 'sum'
}
