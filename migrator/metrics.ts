import { Counter, Gauge, type Registry } from 'prom-client'

/** What the migrator measures. Labels are integrations of the configuration and fixed words, never a customer or a name. */
export const makeMigratorMetrics = (registry: Registry) => {
  const registers = [registry]
  return {
    settles: new Counter({
      name: 'crossfade_settles_total',
      help: 'Secrets that settle claimed, by what became of them.',
      labelNames: ['result'] as const,
      registers,
    }),
    debts: new Gauge({
      name: 'crossfade_debts',
      help: 'Secrets of which one side owes the latest value, by the side that is fresh; sampled.',
      labelNames: ['integration', 'fresh'] as const,
      registers,
      aggregator: 'max',
    }),
    stuck: new Gauge({
      name: 'crossfade_debts_stuck',
      help: 'Debts that settle tried to settle three times or more, and could not; sampled.',
      labelNames: ['integration'] as const,
      registers,
      aggregator: 'max',
    }),
    secrets: new Gauge({
      name: 'crossfade_secrets',
      help: 'Secrets of an integration: discovered, and of them copied, verified, mismatched, quarantined, left; sampled.',
      labelNames: ['integration', 'state'] as const,
      registers,
      aggregator: 'max',
    }),
    inventoried: new Counter({
      name: 'crossfade_inventory_names_total',
      help: 'Names that the inventory read, by side.',
      labelNames: ['side'] as const,
      registers,
    }),
    verified: new Counter({
      name: 'crossfade_verify_rows_total',
      help: 'Rows that verify looked at, by what it found: equal, owing, quarantined or a class of mismatch.',
      labelNames: ['result'] as const,
      registers,
    }),
    workers: new Gauge({
      name: 'crossfade_workers_live',
      help: 'Processes that work on runs and settle debts, and whose lease holds; sampled by every process, from the ledger.',
      registers,
      aggregator: 'max',
    }),
    runs: new Counter({
      name: 'crossfade_runs_total',
      help: 'Runs of the migrator that ended, by kind and outcome.',
      labelNames: ['kind', 'outcome'] as const,
      registers,
    }),
    active: new Gauge({
      name: 'crossfade_runs_active',
      help: 'Runs of the migrator on their way in this process, by kind.',
      labelNames: ['kind'] as const,
      registers,
      aggregator: 'sum',
    }),
    throttled: new Counter({
      name: 'crossfade_migrator_throttled_seconds_total',
      help: 'Time that passes of the migrator waited for their pace, by what held them back.',
      labelNames: ['by'] as const,
      registers,
    }),
    paceRate: new Gauge({
      name: 'crossfade_migrator_rate_limit',
      help: 'Secrets a second that a process lets itself work on, of integrations that it works on; absent: no limit.',
      labelNames: ['integration'] as const,
      registers,
      aggregator: 'sum',
    }),
    passes: new Gauge({
      name: 'crossfade_migrator_passes',
      help: 'Passes of the migrator and of the settler on their way.',
      registers,
      aggregator: 'sum',
    }),
    settlerErrors: new Counter({
      name: 'crossfade_settler_errors_total',
      help: 'Passes of the background settler that did not happen, mostly because the ledger did not answer.',
      registers,
    }),
  }
}

export type MigratorMetrics = ReturnType<typeof makeMigratorMetrics>
