import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What the ledger's protocol costs and how much of it is on its way. */
export const makeLedgerMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    asks: new Counter({
      name: 'crossfade_ledger_asks_total',
      help: 'Reads that had to ask the ledger, by why: untrusted, no-mark, not-found, fallback.',
      labelNames: ['why'] as const,
      registers,
    }),
    debtsMade: new Counter({
      name: 'crossfade_debts_made_total',
      help: 'Writes that left one side owing, by why: phase (on purpose), refused, unknown, joined.',
      labelNames: ['owing', 'why'] as const,
      registers,
    }),
    served: new Counter({
      name: 'crossfade_reads_served_total',
      help: 'Reads of enrolled integrations by the side that answered.',
      labelNames: ['integration', 'by'] as const,
      registers,
    }),
    fallbacks: new Counter({
      name: 'crossfade_read_fallbacks_total',
      help: 'Reads that another side answered than the one of the phase, by that side and why: debt, error.',
      labelNames: ['by', 'why'] as const,
      registers,
    }),
    leaseHeld: new Gauge({
      name: 'crossfade_replica_lease_held',
      help: '1 while this replica holds its lease and may serve from memory; of several workers, while all of them do.',
      registers,
      aggregator: 'min',
    }),
    reachable: new Gauge({
      name: 'crossfade_ledger_reachable',
      help: '1 while the ledger answers this replica; 0: writes of enrolled integrations are refused.',
      registers,
      aggregator: 'min',
    }),
    joins: new Counter({
      name: 'crossfade_replica_joins_total',
      help: 'Times this replica took a lease and loaded the debts: at start, and after each lost lease or missed message.',
      registers,
    }),
    revoked: new Counter({
      name: 'crossfade_replica_revocations_total',
      help: 'Leases of silent replicas that writes of this replica took away.',
      registers,
    }),
    live: new Gauge({
      name: 'crossfade_replicas_live',
      help: 'Replicas whose lease holds, as this replica last saw.',
      registers,
      aggregator: 'max',
    }),
    behind: new Gauge({
      name: 'crossfade_replicas_behind',
      help: 'Live replicas that do not run the caps yet that hold now, as this replica last saw.',
      registers,
      aggregator: 'max',
    }),
    leftOut: new Gauge({
      name: 'crossfade_integrations_left_out',
      help: 'Integrations that the ledger holds and the configuration of this replica does not name.',
      registers,
      aggregator: 'max',
    }),
    otherwise: new Gauge({
      name: 'crossfade_configuration_problems',
      help: 'In how much the configuration of this replica is another one than what was enrolled; it is not ready then.',
      registers,
      aggregator: 'max',
    }),
    busHears: new Gauge({
      name: 'crossfade_bus_hears',
      help: '1 while messages of other replicas arrive; 0: this replica asks the ledger on each read.',
      registers,
      aggregator: 'min',
    }),
    busDeaf: new Counter({
      name: 'crossfade_bus_deaf_total',
      help: 'Times this replica stopped hearing the others.',
      registers,
    }),
    busMessages: new Counter({
      name: 'crossfade_bus_messages_total',
      help: 'Messages between replicas, by outcome: sent, received, malformed, offline (not sent), failed.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    capFileErrors: new Counter({
      name: 'crossfade_caps_file_errors_total',
      help: 'Times ledger.caps_file could not be written or read, by the code of the system.',
      labelNames: ['code'] as const,
      registers,
    }),
    remembered: new Gauge({
      name: 'crossfade_replica_debts_remembered',
      help: 'Debts that this replica holds in memory.',
      registers,
      aggregator: 'max',
    }),
    queries: new Counter({
      name: 'crossfade_ledger_queries_total',
      help: 'Statements that were sent to the ledger, by outcome: ok, failed.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    querySeconds: new Histogram({
      name: 'crossfade_ledger_query_seconds',
      help: 'Time that a statement of the ledger took, the wait for a connection included.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    watchConnections: makeConnections(registry),
  }
}

/** Connections are counted when somebody looks, as those of the stores are. */
function makeConnections(registry: Registry) {
  let count: () => LedgerConnections = () => ({ open: 0, idle: 0, waiting: 0 })
  new Gauge({
    name: 'crossfade_ledger_connections',
    help: 'Connections to the ledger by state: open (idle ones included), idle, and statements that wait for one.',
    labelNames: ['state'],
    registers: [registry],
    aggregator: 'sum',
    collect() {
      for (const [state, number] of Object.entries(count())) this.set({ state }, number)
    },
  })
  return (counting: () => LedgerConnections): void => {
    count = counting
  }
}

interface LedgerConnections {
  readonly open: number
  readonly idle: number
  readonly waiting: number
}

export type LedgerMetrics = ReturnType<typeof makeLedgerMetrics>
