import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { makeVaultMetrics } from './vault/metrics.ts'

/** What the stores measure. `store` is the name in the configuration, `op` and `outcome` come from the port. */
export const makeBackendsMetrics = (registry: Registry) => ({
  watchConnections: makeConnections(registry),
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
    help: '1 while a breaker of a store, that of reads or of writes, refuses calls, 0.5 while it is being pinged, 0 while both are closed.',
    labelNames: ['store'],
    registers: [registry],
    aggregator: 'max',
  }),
  inFlight: new Gauge({
    name: 'crossfade_store_calls_in_flight',
    help: 'Calls that a store is working on.',
    labelNames: ['store'],
    registers: [registry],
    aggregator: 'sum',
  }),
  values: new Counter({
    name: 'crossfade_store_value_bytes_total',
    help: 'Bytes of secrets as clients know them, by direction: written to a store, or read from it.',
    labelNames: ['store', 'direction'],
    registers: [registry],
  }),
  ciphertext: new Counter({
    name: 'crossfade_store_ciphertext_bytes_total',
    help: 'Bytes of ciphertext that a sealed store wrote or read, by direction.',
    labelNames: ['store', 'direction'],
    registers: [registry],
  }),
  queries: new Counter({
    name: 'crossfade_store_queries_total',
    help: 'Statements that were sent to the PostgreSQL of a store, by outcome: ok, failed.',
    labelNames: ['store', 'outcome'],
    registers: [registry],
  }),
  vault: makeVaultMetrics(registry),
})

/** Connections of one pool, now. */
export interface ConnectionCounts {
  /** Those that are made, or being made. */
  readonly open: number
  /** Of the open ones, those that nothing uses. */
  readonly idle: number
  /** Calls that wait for a connection. */
  readonly waiting: number
}

/** Connections are counted when somebody looks: a pool knows them anyway, and tells of no change. */
function makeConnections(registry: Registry) {
  const pools: { readonly store: string; readonly server: string; readonly count: () => ConnectionCounts }[] = []
  new Gauge({
    name: 'crossfade_store_connections',
    help: 'Connections to a server of a store by state: open (idle ones included), idle, and calls that wait for one.',
    labelNames: ['store', 'server', 'state'],
    registers: [registry],
    aggregator: 'sum',
    collect() {
      this.reset()
      for (const { store, server, count } of pools) {
        for (const [state, number] of Object.entries(count())) this.inc({ store, server, state }, number)
      }
    },
  })
  /** `server`: what kind of server the pool leads to, since a store may have two; pools of the same are added up. */
  return (store: string, server: 'postgresql' | 'vault', count: () => ConnectionCounts): void => {
    pools.push({ store, server, count })
  }
}

export type BackendsMetrics = ReturnType<typeof makeBackendsMetrics>
