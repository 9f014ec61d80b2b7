/*
 * The metrics of several workers as those of one process. Each renders its own, a slice at a time, because it serves clients;
 * this is done by the process that started them, which serves none. Counters and histograms add up. A gauge declares how it is
 * merged: two workers that each know of five debts of one ledger know of five.
 */
export const AGGREGATORS = {
  sum: (values) => values.reduce((total, value) => total + value, 0),
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  average: (values) => values.reduce((total, value) => total + value, 0) / values.length,
  first: (values) => values[0] ?? 0,
  omit: () => null,
} as const satisfies Record<string, (values: readonly number[]) => number | null>

export type Aggregator = keyof typeof AGGREGATORS

interface Family {
  readonly head: string[]
  /** Each series as it is written, without its value. */
  readonly series: Map<string, number[]>
}

const NUMBERS: Readonly<Record<string, number>> = { '+Inf': Number.POSITIVE_INFINITY, '-Inf': Number.NEGATIVE_INFINITY }

/** `texts`: what each worker answered at /metrics. A series that only some of them have is merged from those. */
export function mergeMetrics(texts: readonly string[], aggregatorOf: (metric: string) => Aggregator): string {
  const families = new Map<string, Family>()
  for (const text of texts) read(text, families)
  return [...families].map(([metric, family]) => write(family, AGGREGATORS[aggregatorOf(metric)])).join('')
}

function read(text: string, families: Map<string, Family>): void {
  let family: Family = { head: [], series: new Map() }
  let isNew = false
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('# HELP ')) {
      const name = line.split(' ', 3)[2] ?? ''
      isNew = !families.has(name)
      family = families.get(name) ?? { head: [], series: new Map() }
      families.set(name, family)
    }
    if (line.startsWith('#')) {
      if (isNew) family.head.push(line)
      continue
    }
    const end = line.lastIndexOf(' ')
    const value = line.slice(end + 1)
    const known = family.series.get(line.slice(0, end))
    if (known === undefined) family.series.set(line.slice(0, end), [NUMBERS[value] ?? Number(value)])
    else known.push(NUMBERS[value] ?? Number(value))
  }
}

function write({ head, series }: Family, merge: (values: readonly number[]) => number | null): string {
  const lines = [...series].flatMap(([name, values]) => {
    const merged = merge(values)
    return merged === null ? [] : [`${name} ${written(merged)}`]
  })
  return `${[...head, ...lines].join('\n')}\n`
}

const written = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
