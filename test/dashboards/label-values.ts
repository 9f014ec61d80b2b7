import { Counter, Gauge, Histogram, type Registry, Summary } from 'prom-client'
import { BUDGETS } from '../../flags/guard/judge.ts'
import { PHASES } from '../../flags/phase.ts'
import { MISMATCH_CLASSES } from '../../ledger/compare.ts'

/*
 * Every value that a label may have. What is in no table here is a label whose values nobody has bounded, and the tests that
 * fill the real metrics fail.
 */

const OUTCOMES = ['ok', 'failed']
const SIDES = ['legacy', 'new']

/** Where a label has other values on one metric than elsewhere. */
const OF_METRIC: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  crossfade_integration_requests_total: {
    operation: ['get', 'put', 'delete', 'list'],
    outcome: ['ok', 'refused', 'failed'],
  },
  crossfade_integration_info: { owner: ['team'], legacy: ['homegrown'], new: ['vaulted'], state: ['enrolled'] },
  crossfade_secrets: { state: ['discovered', 'copied', 'verified', 'mismatched', 'quarantined', 'left'] },
  // A cohort waits before one gate at a time.
  crossfade_gate_held: { phase: ['live'] },
}

const OF_LABEL: Readonly<Record<string, readonly string[]>> = {
  cohort: ['dogfood', 'pilot', 'general', 'rest'],
  side: SIDES,
  by: SIDES,
  fresh: SIDES,
  outcome: OUTCOMES,
  result: ['equal', 'mismatch'],
  // One that could not be read is no mismatch.
  class: MISMATCH_CLASSES.filter((found) => found !== 'store_error'),
  budget: BUDGETS,
  phase: PHASES,
}

function valuesOf(metric: string, label: string): readonly string[] {
  const values = OF_METRIC[metric]?.[label] ?? OF_LABEL[label]
  if (values === undefined) throw new Error(`${metric}: which values can its label ${label} have?`)
  return values
}

/** Every combination of values, for one integration. */
function seriesOf(metric: string, labels: readonly string[], integration: string): Record<string, string>[] {
  return labels.reduce<Record<string, string>[]>(
    (known, label) => {
      const values = label === 'integration' ? [integration] : valuesOf(metric, label)
      return known.flatMap((series) => values.map((value) => ({ ...series, [label]: value })))
    },
    [{}],
  )
}

const labelsOf = (metric: unknown): readonly string[] =>
  (metric as { readonly labelNames: readonly string[] }).labelNames

/** Every series that these integrations of four cohorts can ever have, through the real metrics. */
export function fillSeries(registry: Registry, integrations: readonly string[]): void {
  for (const metric of registry.getMetricsAsArray() as readonly unknown[]) {
    if (!labelsOf(metric).includes('integration')) continue
    const { name } = metric as { readonly name: string }
    if (metric instanceof Histogram) throw new Error(`${name}: a histogram of each integration would be many series`)
    for (const integration of integrations)
      for (const labels of seriesOf(name, labelsOf(metric), integration)) add(metric, labels)
  }
}

function add(metric: unknown, labels: Record<string, string>): void {
  if (metric instanceof Summary) metric.observe(labels, 12345.678)
  else if (metric instanceof Counter || metric instanceof Gauge) metric.inc(labels, 12345.678)
}
