import { collectDefaultMetrics, Registry } from 'prom-client'
import { makeAccessMetrics } from '../../access/metrics.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { makeFlagsMetrics } from '../../flags/metrics.ts'
import { makeLedgerMetrics } from '../../ledger/metrics.ts'
import { makeMigratorMetrics } from '../../migrator/metrics.ts'
import { makeProxyMetrics } from '../../proxy/metrics.ts'

/** Every room's own metrics in one registry. */
export function makeMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'crossfade_' })
  return {
    registry,
    access: makeAccessMetrics(registry),
    backends: makeBackendsMetrics(registry),
    flags: makeFlagsMetrics(registry),
    ledger: makeLedgerMetrics(registry),
    migrator: makeMigratorMetrics(registry),
    proxy: makeProxyMetrics(registry),
  }
}

export type Metrics = ReturnType<typeof makeMetrics>
