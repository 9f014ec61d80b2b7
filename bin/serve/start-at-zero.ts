import { BUDGETS } from '../../flags/guard/judge.ts'
import { MISMATCH_CLASSES } from '../../ledger/compare.ts'
import type { Metrics } from './metrics.ts'

/**
 * A counter whose first sample is 1 did not increase as far as Prometheus can tell: no alert would see the first mismatch or
 * the first trip of the guard. So these are there, at 0, from the start.
 */
export function startAtZero({ proxy, flags }: Metrics, integrations: readonly string[]): void {
  for (const integration of integrations) {
    for (const result of ['equal', 'mismatch']) proxy.comparisons.inc({ integration, result }, 0)
    for (const found of MISMATCH_CLASSES)
      if (found !== 'store_error') proxy.mismatches.inc({ integration, class: found }, 0)
    for (const budget of BUDGETS) flags.guardTrips.inc({ integration, budget }, 0)
  }
}
