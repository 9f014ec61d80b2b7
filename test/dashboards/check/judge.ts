import { isDeepStrictEqual } from 'node:util'
import type { Panel } from '../../../dashboards/boards/board.ts'
import { BOARDS } from '../../../dashboards/boards/boards.ts'
import { filled } from '../../../dashboards/boards/expression.ts'
import { RULES } from '../rules.ts'
import { ALERTS_FIND, type Counts, countsOf, NEVER_HAPPENS, PANELS_SHOW } from './expected.ts'
import { PLANTED } from './plant.ts'
import type { Prometheus } from './prometheus.ts'

export interface Verdict {
  readonly panels: number
  /** A query of theirs answered nothing. */
  readonly empty: readonly string[]
  readonly rules: number
  /** Rules and named panels that show something else than was planted, and queries that are none. */
  readonly failed: readonly string[]
}

/** Long enough for several scrapes of a busy machine. */
const WINDOW = '20s'

const drawn: readonly (Panel & { readonly name: string })[] = Object.entries(BOARDS).flatMap(([board, { rows }]) =>
  rows.flatMap(({ panels }) => panels.map((panel) => ({ ...panel, name: `${board}: ${panel.title}` }))),
)

const fill = (expr: string, integration: string): string => filled(expr, WINDOW, { integration, owner: '.*' })

const INTEGRATIONS = Object.values(PLANTED)

/** Without the 0 that stands for what never happened, unless it does not happen here: a 0 alone would excuse any mistake. */
const proven = (query: string, expr: string): string =>
  query in NEVER_HAPPENS ? expr : expr.replace(/ or on \(\) vector\(0\)$/, '')

/**
 * Asks every panel and every rule once. `seen` are the queries that showed something before: what happens once leaves the window.
 * A panel of one integration has to show something of one of those that something was planted in.
 */
export async function judge(prometheus: Prometheus, seen: Set<string>): Promise<Verdict> {
  const failed = [...(await prometheus.ruleErrors())]
  const ask = async (name: string, expr: string) =>
    prometheus.query(expr).catch((error: unknown) => {
      failed.push(`${name}: ${String(error)}`)
      return []
    })
  const hold = (name: string, found: Counts, wanted: Counts): void => {
    if (!isDeepStrictEqual({ ...found }, Object.fromEntries(Object.entries(wanted).sort())))
      failed.push(`${name}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
  }

  const empty: string[] = []
  for (const { name, queries } of drawn) {
    for (const { expr, legend } of queries) {
      const query = `${name}: ${legend}`
      if (!seen.has(query)) {
        const asked = new Set(INTEGRATIONS.map((integration) => fill(proven(query, expr), integration)))
        const answers = await Promise.all([...asked].map((each) => ask(query, each)))
        if (answers.flat().some(({ value }) => !Number.isNaN(value))) seen.add(query)
        else empty.push(query)
      }
    }
  }
  for (const { panel, integration = PLANTED.mismatch, counts } of PANELS_SHOW) {
    const expr = drawn.find(({ name }) => name === panel)?.queries[0]?.expr ?? ''
    hold(panel, countsOf(await ask(panel, fill(expr, integration))), counts)
  }
  for (const { alert, record, expr } of RULES) {
    if (alert !== undefined) hold(alert, countsOf(await ask(alert, expr)), ALERTS_FIND[alert] ?? {})
    else if ((await ask(record ?? '', record ?? '')).length === 0) failed.push(`${record}: nothing is recorded`)
  }
  for (const { marks } of Object.values(BOARDS))
    for (const { name, expr } of marks) await ask(name, fill(expr, PLANTED.mismatch))
  return { panels: drawn.length, empty, rules: RULES.length, failed }
}
