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
    remembered: new Gauge({
      name: 'crossfade_replica_debts_remembered',
      help: 'Debts that this replica holds in memory.',
      registers,
    }),
  }
}

export type LedgerMetrics = ReturnType<typeof makeLedgerMetrics>
