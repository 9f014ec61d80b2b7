import { Counter, Gauge, type Registry } from 'prom-client'

/** What the ledger's protocol costs and how much of it is on its way. */
export const makeLedgerMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    asks: new Counter({
      name: 'crossfade_ledger_asks_total',
      help: 'Reads that had to ask the ledger, by why: untrusted, no-mark, not-found, fallback.',
      labelNames: ['integration', 'why'] as const,
      registers,
    }),
    debtsMade: new Counter({
      name: 'crossfade_debts_made_total',
      help: 'Writes that left one side owing, by why: phase (on purpose), refused, unknown, joined.',
      labelNames: ['integration', 'owing', 'why'] as const,
      registers,
    }),
    served: new Counter({
      name: 'crossfade_reads_served_total',
      help: 'Reads by the side that answered and why it was not the one of the phase: debt, error, or none.',
      labelNames: ['integration', 'by', 'fallback'] as const,
      registers,
    }),
    leaseHeld: new Gauge({
      name: 'crossfade_replica_lease_held',
      help: '1 while this replica holds its lease and may serve from memory.',
      registers,
    }),
    reachable: new Gauge({
      name: 'crossfade_ledger_reachable',
      help: '1 while the ledger answers this replica; 0: writes of enrolled integrations are refused.',
      registers,
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
    busHears: new Gauge({
      name: 'crossfade_bus_hears',
      help: '1 while messages of other replicas arrive; 0: this replica asks the ledger on each read.',
      registers,
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
    }),
  }
}

export type LedgerMetrics = ReturnType<typeof makeLedgerMetrics>
