import { writeFileSync } from 'node:fs'
import type { StackingMode } from '@grafana/grafana-foundation-sdk/common'
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardLinkBuilder,
  type DashboardLinkType,
  DatasourceVariableBuilder,
  type MappingType,
  QueryVariableBuilder,
  RowBuilder,
  type VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder, type PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimelinePanel } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as LinesPanel } from '@grafana/grafana-foundation-sdk/timeseries'
import { PHASES } from '../../flags/phase.ts'
import type { Board, Kind, Panel } from './board.ts'
import { BOARDS } from './boards.ts'

/*
 * npm run docs writes dashboards/grafana/*.json with this; a test compares. The package is a devDependency: what is shipped is
 * the JSON.
 */

const PROMETHEUS = { type: 'prometheus', uid: '${datasource}' }
const TAG = 'crossfade'
/** Without it a file that is provisioned offers no names at all. */
const AT_EACH_LOAD: VariableRefresh = 1
const WIDTH = 8
const HEIGHT = 8

type AnyPanel = LinesPanel | StatPanel | TimelinePanel | TablePanel

const PANELS: Readonly<Record<Kind, () => AnyPanel>> = {
  lines: () => new LinesPanel().fillOpacity(8),
  stacked: () =>
    new LinesPanel().fillOpacity(40).stacking({ build: () => ({ mode: 'normal' as StackingMode, group: 'A' }) }),
  stat: () => new StatPanel(),
  timeline: () => new TimelinePanel().mappings([phaseNames()]),
  table: () => new TablePanel(),
}

/** Phases are numbers in Prometheus, and names to people. */
const phaseNames = () => ({
  type: 'value' as MappingType.ValueToText,
  options: Object.fromEntries(PHASES.map((text, rank) => [String(rank), { text, index: rank }])),
})

function panelOf({ title, says, kind, unit, queries, width = WIDTH }: Panel): AnyPanel {
  const panel = PANELS[kind]().title(title).description(says).datasource(PROMETHEUS).span(width).height(HEIGHT)
  if (unit !== 'phase') panel.unit(unit)
  queries.forEach(({ expr, legend }, at) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + at))
      .expr(expr)
      .legendFormat(legend)
    if (kind === 'table') panel.withTarget(query.instant().format('table' as PromQueryFormat))
    else panel.withTarget(kind === 'stat' ? query.instant() : query.range())
  })
  return panel
}

/** What Grafana imports. */
export function dashboardOf({ uid, title, says, variables, marks, rows }: Board): string {
  const board = new DashboardBuilder(title).uid(uid).description(says).tags([TAG]).refresh('30s').editable()
  board.time({ from: 'now-6h', to: 'now' }).timezone('browser')
  // The four boards, one click apart, over the same time.
  board.link(
    new DashboardLinkBuilder('Crossfade')
      .type('dashboards' as DashboardLinkType)
      .tags([TAG])
      .asDropdown(false)
      .keepTime(true)
      .includeVars(true),
  )
  board.withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
  for (const { name, label, values, all } of variables) {
    const variable = new QueryVariableBuilder(name)
      .label(label)
      .query(values)
      .datasource(PROMETHEUS)
      .refresh(AT_EACH_LOAD)
    board.withVariable(all ? variable.includeAll(true).multi(true).allValue('.*') : variable)
  }
  for (const { name, expr } of marks)
    board.annotation(
      new AnnotationQueryBuilder().name(name).expr(expr).datasource(PROMETHEUS).enable(true).iconColor('purple'),
    )
  for (const { title: row, panels } of rows) {
    board.withRow(new RowBuilder(row))
    for (const panel of panels) board.withPanel(panelOf(panel))
  }
  const built = board.build()
  const texts = new Map(marks.map(({ name, text }) => [name, text]))
  // Prometheus' own keys of an annotation, which the package does not know.
  for (const mark of built.annotations?.list ?? [])
    if (texts.has(mark.name)) Object.assign(mark, { titleFormat: mark.name, textFormat: texts.get(mark.name) })
  for (const [at, panel] of (built.panels ?? []).entries()) panel.id = at + 1
  return `${JSON.stringify(built, null, 2)}\n`
}

export const fileOf = (name: string): URL => new URL(`../grafana/${name}.json`, import.meta.url)

if (import.meta.main)
  for (const [name, board] of Object.entries(BOARDS)) writeFileSync(fileOf(name), dashboardOf(board))
