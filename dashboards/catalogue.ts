import type { Registry } from 'prom-client'

/** One metric as its room declares it; what boards draw and alerts name. */
export interface MetricEntry {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
}

/** Every metric of the merged registry that is Crossfade's own, by name; those of the runtime itself are left out. */
export async function catalogueOf(registry: Registry): Promise<readonly MetricEntry[]> {
  const declared = await registry.getMetricsAsJSON()
  return declared
    .filter(({ name }) => !RUNTIME.test(name))
    .map(({ name, type, help }) => ({ name, type: String(type), help, labels: labelsOf(registry, name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What prom-client measures of any Node process: documented there. */
const RUNTIME = /^crossfade_(process|nodejs)_/

/** prom-client keeps them on the metric itself, outside its types. */
const labelsOf = (registry: Registry, name: string): readonly string[] =>
  (registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] }).labelNames

/** The page that lists them, in Markdown. */
export const metricsPage = (entries: readonly MetricEntry[]): string =>
  [
    '# Metrics',
    '',
    "Made by `npm run docs` from what each room declares. Served on the operators' port at `/metrics`, beside those of the",
    'Node process (`crossfade_process_*`, `crossfade_nodejs_*`). No label ever names a customer or a secret.',
    '',
    '| metric | type | labels | what it says |',
    '|---|---|---|---|',
    ...entries.map(({ name, type, help, labels }) => `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |`),
    '',
  ].join('\n')
