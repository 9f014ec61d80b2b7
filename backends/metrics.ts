import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { makeVaultMetrics } from './vault/metrics.ts'

/** What the stores measure. `store` is the name in the configuration, `op` and `outcome` come from the port. */
export const makeBackendsMetrics = (registry: Registry) => ({
  latency: new Histogram({
    name: 'crossfade_store_seconds',
    help: 'Time that a call to a store took, as its caller saw it: queue, retry and deadline included.',
    labelNames: ['store', 'op'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  }),
  outcomes: new Counter({
    name: 'crossfade_store_outcomes_total',
    help: 'Outcomes of calls to a store; a batch counts each of its secrets.',
    labelNames: ['store', 'op', 'outcome'],
    registers: [registry],
  }),
  retries: new Counter({
    name: 'crossfade_store_retries_total',
    help: 'Reads that were sent a second time after a failure of the store.',
    labelNames: ['store', 'op'],
    registers: [registry],
  }),
  breaker: new Gauge({
    name: 'crossfade_store_breaker_open',
    help: '1 while the breaker of a store refuses calls, 0.5 while it tries one, 0 while it is closed.',
    labelNames: ['store'],
    registers: [registry],
  }),
  inFlight: new Gauge({
    name: 'crossfade_store_calls_in_flight',
    help: 'Calls that a store is working on.',
    labelNames: ['store'],
    registers: [registry],
  }),
  vault: makeVaultMetrics(registry),
})

export type BackendsMetrics = ReturnType<typeof makeBackendsMetrics>
