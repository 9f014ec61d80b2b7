import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { everyMetric } from '../../bin/serve/metrics.ts'
import { BOARDS } from '../../dashboards/boards/boards.ts'
import { askedBy, filled } from '../../dashboards/boards/expression.ts'
import { dashboardOf, fileOf } from '../../dashboards/boards/grafana.ts'
import { catalogueOf } from '../../dashboards/catalogue.ts'
import { projectFiles, readProjectFile } from '../support/project.ts'
import { RULES } from './rules.ts'

/** What Prometheus adds to every series. */
const ADDED = ['job', 'instance']

const fill = (expr: string): string => filled(expr, '5m', { integration: 'github', owner: '.*' })

const drawn = Object.entries(BOARDS).flatMap(([board, { rows, marks }]) => [
  ...rows.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries }) =>
      queries.map(({ expr, legend }) => ({ at: `${board}: ${title}`, expr, legend })),
    ),
  ),
  ...marks.map(({ name, expr, text }) => ({ at: `${board}: ${name}`, expr, legend: text })),
])
const ruled = RULES.map(({ alert, record, expr }) => ({ at: alert ?? record ?? '', expr, legend: '' }))
const everything = [...drawn, ...ruled]

/** The labels of each series by name: those of the catalogue, of the process, and of what rules record. */
async function labelsByName(): Promise<ReadonlyMap<string, readonly string[]>> {
  const known = new Map<string, readonly string[]>([
    ['up', []],
    ['crossfade_process_cpu_seconds_total', []],
    ['crossfade_process_resident_memory_bytes', []],
    ['crossfade_nodejs_eventloop_lag_p99_seconds', []],
  ])
  for (const { name, type, labels } of await catalogueOf(everyMetric())) {
    if (type === 'histogram') known.set(`${name}_bucket`, [...labels, 'le'])
    if (type === 'histogram' || type === 'summary') {
      known.set(`${name}_sum`, labels)
      known.set(`${name}_count`, labels)
    } else known.set(name, labels)
  }
  for (const { record, expr } of RULES) if (record !== undefined) known.set(record, askedBy(expr).grouping)
  return known
}

test('dashboards/grafana holds what the boards say now; npm run docs writes it', () => {
  for (const [name, board] of Object.entries(BOARDS))
    assert.equal(readFileSync(fileOf(name), 'utf8'), dashboardOf(board), name)
  assert.deepEqual(
    projectFiles('dashboards/grafana/*'),
    Object.keys(BOARDS)
      .map((name) => `dashboards/grafana/${name}.json`)
      .sort(),
  )
})

interface Shown {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly w: number }
  readonly targets?: readonly { readonly refId: string; readonly legendFormat: string }[]
}
interface ShownBoard {
  readonly schemaVersion: number
  readonly uid: string
  readonly panels: readonly Shown[]
  readonly links: readonly { readonly type: string; readonly tags: readonly string[] }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly refresh?: number }[]
  }
}

test('a file that Grafana imports asks for its data source, fills its variables at each load, and links the other boards', () => {
  const boards = Object.values(BOARDS).map((board) => JSON.parse(dashboardOf(board)) as ShownBoard)
  assert.equal(new Set(boards.map(({ uid }) => uid)).size, boards.length)
  for (const { uid, schemaVersion, panels, templating, links } of boards) {
    assert.ok(schemaVersion >= 39, uid)
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, uid)
    const [source, ...queried] = templating.list
    assert.deepEqual([source?.name, source?.type], ['datasource', 'datasource'], uid)
    for (const { name, refresh } of queried) assert.equal(refresh, 1, `${uid}: ${name}`)
    const known = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
    const asked = [...JSON.stringify(panels).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    assert.deepEqual(
      [...new Set(asked)].filter((name) => !known.has(name)),
      [],
      uid,
    )
    assert.deepEqual(
      links.map(({ type, tags }) => [type, tags]),
      [['dashboards', ['crossfade']]],
    )
    for (const { type, title, datasource, gridPos, targets = [] } of panels.filter((panel) => panel.type !== 'row')) {
      assert.equal(datasource?.uid, '${datasource}', `${uid}: ${title}`)
      assert.ok(gridPos.x + gridPos.w <= 24, `${uid}: ${title}`)
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, `${uid}: ${title}`)
      if (type !== 'table')
        for (const { legendFormat } of targets) assert.notEqual(legendFormat, '', `${uid}: ${title}`)
    }
  }
})

test('the provisioning files name files of this repository, and a job that the alerts go by', () => {
  const { rule_files, scrape_configs } = parse(readProjectFile('docs/provisioning/prometheus.yml')) as {
    readonly rule_files: readonly string[]
    readonly scrape_configs: readonly { readonly job_name: string; readonly metrics_path: string }[]
  }
  assert.deepEqual(
    rule_files.map((path) => path.replace('../../', '')).sort(),
    projectFiles('dashboards/prometheus/*.yaml').filter((path) => !path.endsWith('.test.yaml')),
  )
  assert.deepEqual(
    scrape_configs.map((job) => [job.job_name, job.metrics_path]),
    [['crossfade', '/metrics']],
  )
  const { datasources } = parse(readProjectFile('docs/provisioning/grafana-datasource.yml'))
  assert.equal(datasources[0].type, 'prometheus')
  const { providers } = parse(readProjectFile('docs/provisioning/grafana-dashboards.yml'))
  assert.equal(providers[0].type, 'file')
})

test('every expression of a panel or a rule is PromQL over metrics that exist, with labels that they have', async () => {
  const known = await labelsByName()
  assert.ok(everything.length > 80)
  for (const { at, expr, legend } of everything) {
    const { metrics, grouping } = askedBy(fill(expr))
    const has = new Set(ADDED)
    for (const { name, labels } of metrics) {
      const own = known.get(name)
      assert.ok(own !== undefined, `${at}: there is no ${name}`)
      for (const label of own) has.add(label)
      const wrong = labels.filter((label) => ![...own, ...ADDED].includes(label))
      assert.deepEqual(wrong, [], `${at}: ${name}`)
    }
    const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '')
    assert.deepEqual(
      [...grouping, ...shown].filter((label) => !has.has(label)),
      [],
      at,
    )
  }
})

test('every metric of the catalogue is drawn on a board or named in an alert', async () => {
  const asked = new Set(everything.flatMap(({ expr }) => askedBy(fill(expr)).metrics.map(({ name }) => name)))
  const entries = await catalogueOf(everyMetric())
  const forms = (name: string): readonly string[] => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]
  const idle = entries.map(({ name }) => name).filter((name) => !forms(name).some((form) => asked.has(form)))
  assert.deepEqual(idle, [])
})

test('panels of one board have titles of their own, and each says what it answers', () => {
  for (const [name, { rows }] of Object.entries(BOARDS)) {
    const panels = rows.flatMap((row) => row.panels)
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length, name)
    for (const { title, says, queries } of panels)
      assert.ok(says.length > 10 && queries.length > 0, `${name}: ${title}`)
  }
})

test('every alert has a severity, a summary, and a section of the runbook that is there', () => {
  const headings = readProjectFile('docs/runbook.md').matchAll(/^#+ (.+)$/gm)
  const anchors = new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s/g, '-'),
    ),
  )
  const alerts = RULES.filter(({ alert }) => alert !== undefined)
  assert.ok(alerts.length > 10)
  for (const { alert, labels, annotations } of alerts) {
    assert.match(alert ?? '', /^Crossfade[A-Z][A-Za-z]+$/)
    assert.match(labels?.['severity'] ?? '', /^(page|ticket|info)$/, alert)
    assert.ok((annotations?.['summary'] ?? '').length > 10, alert)
    const [page, anchor = ''] = (annotations?.['runbook_url'] ?? '').split('#')
    assert.equal(page, 'docs/runbook.md', alert)
    assert.ok(anchors.has(anchor), `${alert}: there is no section #${anchor}`)
  }
})

test('every section of the runbook that an alert links says what to look at, what to do, and how to know', () => {
  const sections = new Map(
    readProjectFile('docs/runbook.md')
      .split(/^## /m)
      .slice(1)
      .map((text) => [
        text
          .slice(0, text.indexOf('\n'))
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replace(/\s/g, '-'),
        text,
      ]),
  )
  const linked = new Set(RULES.flatMap(({ annotations }) => annotations?.['runbook_url']?.split('#')[1] ?? []))
  for (const anchor of linked) {
    const text = sections.get(anchor) ?? ''
    assert.match(text, /\*\*Worked\*\*/, `#${anchor}: how to know that it worked`)
    assert.match(text, /crossfade |`/, `#${anchor}: what to do`)
  }
})
