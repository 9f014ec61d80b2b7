import { Counter, Gauge, type Registry, Summary } from 'prom-client'

/** Integrations up to which each has series of its own unless the configuration says otherwise. */
export const MANY_INTEGRATIONS = 1000

/** What stands for all of them. */
const ALL = 'other'

/** `auto`: each integration has its series while there are not many. */
export const hasIntegrationSeries = (setting: 'auto' | 'each' | 'none', integrations: number): boolean =>
  setting === 'each' || (setting === 'auto' && integrations <= MANY_INTEGRATIONS)

/**
 * Keeps metrics from having a series for each of thousands of integrations. Counters add them all up; a gauge about one
 * integration says nothing about all, and is left out, where there is one beside it that counts them.
 */
export function foldIntegrations(registry: Registry): void {
  for (const metric of registry.getMetricsAsArray() as readonly unknown[]) {
    if (!labelsOf(metric).includes('integration')) continue
    if (metric instanceof Gauge) silence(metric)
    if (metric instanceof Counter) metric.inc = folded(metric.inc.bind(metric) as Counting)
    if (metric instanceof Summary) metric.observe = folded(metric.observe.bind(metric) as Counting)
  }
}

type Labels = Readonly<Record<string, string | number>>

const labelsOf = (metric: unknown): readonly string[] =>
  (metric as { readonly labelNames: readonly string[] }).labelNames

type Counting = (labels: Labels, value?: number) => void

const folded =
  (count: Counting) =>
  (labels: unknown, value?: number): void =>
    count({ ...(labels as Labels), integration: ALL }, value)

function silence(gauge: Gauge): void {
  for (const change of ['set', 'inc', 'dec'] as const) gauge[change] = () => undefined
}
