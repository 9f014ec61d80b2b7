/*
 * A board as data: what it asks Prometheus, and how that is drawn. `grafana.ts` makes Grafana's JSON of it, the tests hold every
 * expression to the catalogue, and `npm run dashboards:check` asks them all of a real Prometheus.
 */

export type Kind = 'lines' | 'stacked' | 'stat' | 'timeline' | 'table'
export type Unit = 'none' | 'ops' | 's' | 'percentunit' | 'Bps' | 'bytes' | 'phase'

export interface Query {
  readonly expr: string
  /** With `{{label}}`. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  /** The question that it answers, and when to worry. */
  readonly says: string
  readonly kind: Kind
  readonly unit: Unit
  readonly queries: readonly Query[]
  /** Of 24. */
  readonly width?: number
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** `label_values(metric, label)`. */
  readonly values: string
  readonly all: boolean
}

export interface Board {
  readonly uid: string
  readonly title: string
  readonly says: string
  readonly variables: readonly Variable[]
  /** Marks on every panel: an expression that is there when it happens. */
  readonly marks: readonly { readonly name: string; readonly expr: string; readonly text: string }[]
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[]
}

type Drawn = Omit<Panel, 'kind' | 'unit' | 'title' | 'says' | 'queries'>

const panel =
  (kind: Kind) =>
  (title: string, says: string, unit: Unit, queries: Readonly<Record<string, string>>, more: Drawn = {}): Panel => ({
    title,
    says,
    kind,
    unit,
    queries: Object.entries(queries).map(([legend, expr]) => ({ legend, expr })),
    ...more,
  })

/** Queries by their legend. */
export const lines = panel('lines')
export const stacked = panel('stacked')
export const stat = panel('stat')
export const timeline = panel('timeline')
export const table = panel('table')

/** A second, over the window that fits what is shown. */
export const rate = (counter: string): string => `rate(${counter}[$__rate_interval])`

/** For what may never have happened: a line at 0 says so, an empty panel could be a mistake. */
export const orZero = (expr: string): string => `${expr} or on () vector(0)`

export const quantile = (q: number, histogram: string, by: string, of = ''): string =>
  `histogram_quantile(${q}, sum by (le, ${by}) (${rate(`${histogram}_bucket${of}`)}))`

/** What several replicas know of one ledger is one truth, not several. */
export const known = (metric: string, by: string): string => `max by (${by}) (${metric})`

/** Only integrations of the owners that were chosen. */
export const ofOwners = (expr: string): string =>
  `(${expr}) * on (integration) group_left () ${known('crossfade_integration_info{owner=~"$owner"}', 'integration')}`
