import { isDeepStrictEqual } from 'node:util'
import type { Panel } from '../../../dashboards/boards/board.ts'
import { BOARDS } from '../../../dashboards/boards/boards.ts'
import { filled } from '../../../dashboards/boards/expression.ts'
import { RULES } from '../rules.ts'
import { ALERTS_FIND, type Counts, countsOf, PANELS_SHOW } from './expected.ts'
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

/** Asks every panel and every rule once. */
export async function judge(prometheus: Prometheus): Promise<Verdict> {
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
    const answers = await Promise.all(queries.map(({ expr }) => ask(name, fill(expr, PLANTED.mismatch))))
    if (answers.some((samples) => samples.every(({ value }) => Number.isNaN(value)))) empty.push(name)
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
