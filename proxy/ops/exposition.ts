import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MetricValue, Registry } from 'prom-client'

/*
 * What a scrape reads, in slices. prom-client renders all series in one go, which at hundreds of integrations holds up every
 * request for a tenth of a second; here the event loop gets its turn between two slices. A sample is written with its labels in
 * the order of their declaration, so that the same series of two workers is the same text.
 */
const SLICE = 200

export async function* exposition(registry: Registry): AsyncGenerator<string> {
  for (const metric of registry.getMetricsAsArray() as unknown as readonly Described[]) {
    const { values } = await metric.get()
    yield `# HELP ${metric.name} ${escapeHelp(metric.help)}\n# TYPE ${metric.name} ${metric.type}\n`
    for (let from = 0; from < values.length; from += SLICE) {
      yield values
        .slice(from, from + SLICE)
        .map(lineOf(metric))
        .join('')
      await nextTurn()
    }
  }
}

/** As prom-client keeps it, of which its types say less. */
interface Described {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labelNames?: readonly string[]
  get(): Promise<{ readonly values: readonly Sample[] }>
}

/** Of a histogram a sample has a name of its own. */
type Sample = MetricValue<string> & { readonly metricName?: string }

const lineOf =
  ({ name, labelNames = [] }: Described) =>
  ({ metricName = name, labels, value }: Sample): string => {
    // `le` is none of the declared ones, and last.
    const names = labels['le'] === undefined ? labelNames : [...labelNames.filter((label) => label !== 'le'), 'le']
    const pairs = names.flatMap((label) =>
      labels[label] === undefined ? [] : [`${label}="${escapeLabel(String(labels[label]))}"`],
    )
    return `${metricName}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberOf(value)}\n`
  }

const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')
const escapeLabel = (text: string): string => escapeHelp(text).replace(/"/g, '\\"')

const numberOf = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}
