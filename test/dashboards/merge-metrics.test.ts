import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Aggregator, mergeMetrics } from '../../bin/serve/merge-metrics.ts'
import { aggregatorsOf } from '../../bin/serve/metrics.ts'

const merge = (how: Aggregator, ...values: readonly string[]): string =>
  mergeMetrics(
    values.map((value) => `# HELP m what\n# TYPE m gauge\nm{a="x y"} ${value}\n`),
    () => how,
  )

test('each way of merging: a gauge of two workers is their sum, most, least, mean, the first, or left out', () => {
  const head = '# HELP m what\n# TYPE m gauge\n'
  assert.equal(merge('sum', '2', '3'), `${head}m{a="x y"} 5\n`)
  assert.equal(merge('max', '2', '3'), `${head}m{a="x y"} 3\n`)
  assert.equal(merge('min', '2', '3'), `${head}m{a="x y"} 2\n`)
  assert.equal(merge('average', '2', '3'), `${head}m{a="x y"} 2.5\n`)
  assert.equal(merge('first', '2', '3'), `${head}m{a="x y"} 2\n`)
  assert.equal(merge('omit', '2', '3'), head)
  assert.equal(merge('max', '2', '+Inf'), `${head}m{a="x y"} +Inf\n`)
})

test('series that only one of them has stay, and each metric is described once', () => {
  const text = mergeMetrics(
    [
      '# HELP a one\n# TYPE a counter\na{x="1"} 1\n',
      '# HELP a one\n# TYPE a counter\na{x="2"} 2\n# HELP b two\n# TYPE b counter\nb 3\n',
    ],
    () => 'sum',
  )
  assert.equal(text, '# HELP a one\n# TYPE a counter\na{x="1"} 1\na{x="2"} 2\n# HELP b two\n# TYPE b counter\nb 3\n')
})

test('what is true of the ledger is not added up over workers, what each of them does is', () => {
  const how = aggregatorsOf()
  assert.equal(how('crossfade_debts'), 'max')
  assert.equal(how('crossfade_phase_effective'), 'max')
  assert.equal(how('crossfade_replica_lease_held'), 'min')
  assert.equal(how('crossfade_requests_in_flight'), 'sum')
  assert.equal(how('crossfade_requests_total'), 'sum')
})
