import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { burndown, gridOf } from '../../ledger/burndown.ts'
import { NO_COUNTS } from '../../ledger/postgres/progress.ts'
import type { Sample } from '../../ledger/postgres/progress-history.ts'

const sample = (at: number, integration: string, left: Readonly<Record<string, number>>): Sample => ({
  at,
  integration,
  cohorts: new Map(Object.entries(left).map(([cohort, n]) => [cohort, { ...NO_COUNTS, left: n }])),
})
const SPAN = { since: 0, until: 40, step: 10 }
const SAMPLES = [
  sample(-5, 'aws', { dogfood: 2, general: 9 }),
  sample(15, 'github', { general: 100 }),
  sample(18, 'aws', { dogfood: 0, general: 5 }),
  sample(31, 'github', { general: 40 }),
]
const lefts = (keyOf: (integration: string, cohort: string) => string) =>
  Object.fromEntries(
    burndown(SAMPLES, SPAN, keyOf).map(({ key, points }) => [key, points.map(({ at, counts }) => [at, counts.left])]),
  )

test('a sample holds until the next one of its integration, and a series begins with its first', () => {
  assert.deepEqual(
    lefts((integration) => integration),
    {
      aws: [
        [10, 11],
        [20, 5],
        [30, 5],
        [40, 5],
      ],
      github: [
        [20, 100],
        [30, 100],
        [40, 40],
      ],
    },
  )
})

test('cohorts and teams are sums over integrations, at the same instants', () => {
  assert.deepEqual(
    lefts((_integration, cohort) => cohort),
    {
      dogfood: [
        [10, 2],
        [20, 0],
        [30, 0],
        [40, 0],
      ],
      general: [
        [10, 9],
        [20, 105],
        [30, 105],
        [40, 45],
      ],
    },
  )
  assert.deepEqual(
    lefts(() => 'team'),
    {
      team: [
        [10, 11],
        [20, 105],
        [30, 105],
        [40, 45],
      ],
    },
  )
})

test('the last instant of a grid is the end of its span, however the steps fall', () => {
  const span = fc.record({
    since: fc.nat(1e6),
    length: fc.integer({ min: 1, max: 1e6 }),
    step: fc.integer({ min: 1, max: 1e6 }),
  })
  fc.assert(
    fc.property(span, ({ since, length, step }) => {
      fc.pre(length / step < 10_000)
      const grid = gridOf({ since, until: since + length, step })
      assert.equal(grid.at(-1), since + length)
      assert.equal(
        grid.every((at, i) => at > (grid[i - 1] ?? since)),
        true,
      )
    }),
  )
})
