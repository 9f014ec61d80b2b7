import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { everyMetric } from '../../bin/serve/metrics.ts'
import { catalogueOf } from '../../dashboards/catalogue.ts'
import { currentMetricsPage, METRICS_PAGE } from '../house/metrics-page.ts'

const BASE_UNITS = /(_total|_seconds|_bytes|_ratio|_info)$/
/** Gauges that count things now, which have no unit. */
const COUNTS_NOW = 'gauge'

test('docs/metrics.md lists every metric as the code declares it; npm run docs writes it', async () => {
  assert.equal(readFileSync(METRICS_PAGE, 'utf8'), await currentMetricsPage())
})

test('every metric has the prefix, a base unit, help, and no label that could name a customer or a secret', async () => {
  const entries = await catalogueOf(everyMetric())
  assert.ok(entries.length > 30)
  for (const { name, type, help, labels } of entries) {
    assert.match(name, /^crossfade_[a-z0-9_]+$/)
    assert.ok(type === COUNTS_NOW || BASE_UNITS.test(name), `${name}: a ${type} ends in a base unit or _total`)
    assert.equal(name.endsWith('_total'), type === 'counter', `${name}: _total is of counters`)
    assert.ok(help.length > 10, `${name}: help`)
    for (const label of labels) assert.doesNotMatch(label, /customer|secret|^name$|path|token|value/, name)
  }
})
