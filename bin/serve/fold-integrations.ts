import { Counter, Gauge, type Registry } from 'prom-client'

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
    if (!(metric instanceof Counter || metric instanceof Gauge) || !labelsOf(metric).includes('integration')) continue
    if (metric instanceof Gauge) silence(metric)
    else {
      const inc = metric.inc.bind(metric) as (labels: Labels, value?: number) => void
      metric.inc = ((labels: Labels, value?: number) =>
        inc({ ...labels, integration: ALL }, value)) as typeof metric.inc
    }
  }
}

type Labels = Readonly<Record<string, string | number>>

const labelsOf = (metric: Counter | Gauge): readonly string[] =>
  (metric as unknown as { readonly labelNames: readonly string[] }).labelNames

function silence(gauge: Gauge): void {
  for (const change of ['set', 'inc', 'dec'] as const) gauge[change] = () => undefined
}
