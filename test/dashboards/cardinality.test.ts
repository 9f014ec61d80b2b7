import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import type { Registry } from 'prom-client'
import { hasIntegrationSeries } from '../../bin/serve/fold-integrations.ts'
import { makeMetrics } from '../../bin/serve/metrics.ts'
import { exposition } from '../../proxy/ops/exposition.ts'
import { needs } from '../support/parts.ts'
import { projectFiles, readProjectFile } from '../support/project.ts'
import { fillSeries } from './label-values.ts'

const prometheus = needs('promtool')
const MANY = 350
const MOST_SERIES = 60
const MOST_BYTES = 3_000_000

const fill = (registry: Registry, integrations: number): void =>
  fillSeries(
    registry,
    Array.from({ length: integrations }, (_, at) => `integration-${at}`),
  )

async function scrape(registry: Registry): Promise<string> {
  let text = ''
  for await (const slice of exposition(registry)) text += slice
  return text
}

const seriesAbout = (text: string, integration: string): number =>
  text.split('\n').filter((line) => line.includes(`integration="${integration}"`)).length

test('an integration of four cohorts never has more than 60 series, and a scrape of 350 of them is below 3 MB', async () => {
  const { registry } = makeMetrics()
  fill(registry, MANY)
  const text = await scrape(registry)
  const series = seriesAbout(text, 'integration-7')
  assert.ok(series > 40 && series <= MOST_SERIES, `${series} series`)
  assert.ok(text.length < MOST_BYTES, `${text.length} bytes`)
})

test('above a thousand integrations none has series of its own unless the configuration asks for them', async () => {
  assert.deepEqual(
    [hasIntegrationSeries('auto', 1000), hasIntegrationSeries('auto', 1001), hasIntegrationSeries('each', 1001)],
    [true, false, true],
  )
  assert.equal(hasIntegrationSeries('none', 3), false)
  const { registry, proxy } = makeMetrics(false)
  fill(registry, 3)
  proxy.byIntegration.inc({ integration: 'integration-1', operation: 'get', outcome: 'ok' }, 2)
  const text = await scrape(registry)
  assert.equal(seriesAbout(text, 'integration-1'), 0)
  assert.match(text, /crossfade_integration_requests_total\{integration="other",operation="get",outcome="ok"\} 37039/)
  assert.doesNotMatch(text, /^crossfade_phase_effective\{/m)
})

test('a scrape is what prom-client would have rendered, and promtool finds nothing wrong with it', {
  skip: prometheus.skip,
}, async () => {
  const { registry, proxy } = makeMetrics()
  fill(registry, 2)
  proxy.duration.observe({ operation: 'get', phase: 'off' }, 0.004)
  const text = await scrape(registry)
  const samples = (rendered: string): readonly string[] =>
    rendered
      .split('\n')
      .filter((line) => line.startsWith('crossfade_') && !/^crossfade_(process|nodejs)_/.test(line))
      .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join()}}`))
      .sort()
  assert.deepEqual(samples(text), samples(await registry.metrics()))
  const found = execFileSync(prometheus.path, ['check', 'metrics'], { input: text, encoding: 'utf8' })
  assert.equal(found, '')
})

test('every gauge declares how the values of several workers become one', () => {
  const silent = projectFiles('**/metrics.ts').flatMap((file) =>
    readProjectFile(file)
      .split('new Gauge(')
      .slice(1)
      .filter((code) => !/\baggregator: '(sum|max|min|average|first|omit)',/.test(code.split(/\n {2,4}\}\)/)[0] ?? ''))
      .map((code) => `${file}: ${code.match(/name: '(\w+)'/)?.[1]}`),
  )
  assert.deepEqual(silent, [])
})
