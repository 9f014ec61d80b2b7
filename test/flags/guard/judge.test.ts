import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Budgets, budgetsOf, guardConfigSchema } from '../../../flags/guard/config.ts'
import { type Budget, baselineOf, type Figures, judge, sentence } from '../../../flags/guard/judge.ts'
import { makeTallies, makeWindow } from '../../../flags/guard/window.ts'

const BUDGETS = guardConfigSchema.parse({}) as Budgets

interface Seen {
  readonly calls?: number
  readonly errors?: number
  /** ms, by how many reads. */
  readonly reads?: Readonly<Record<number, number>>
}

function figures(seen: { legacy?: Seen; new?: Seen; mismatches?: number }): Figures {
  const window = makeWindow(BUDGETS.window)
  for (const side of ['legacy', 'new'] as const) {
    const { calls = 0, errors = 0, reads = {} } = seen[side] ?? {}
    for (let i = 0; i < calls; i += 1) window.add({ side, failed: i < errors, ms: null }, 0)
    for (const [ms, n] of Object.entries(reads))
      for (let i = 0; i < n; i += 1) window.add({ side, failed: false, ms: Number(ms) }, 0)
  }
  const tallies = window.sum(0)
  const mismatches = Array.from({ length: seen.mismatches ?? 0 }, (_, i) => ({ id: String(i), class: 'value' }))
  return { ...tallies, mismatches, baseline: baselineOf(tallies, BUDGETS) }
}

const QUICK = { 4: 990, 20: 10 }

const TABLE: readonly (readonly [string, Parameters<typeof figures>[0], Budget | null])[] = [
  ['nothing was seen', {}, null],
  ['one stable mismatch and no other sample', { mismatches: 1 }, 'mismatches'],
  ['a mismatch goes before everything else', { mismatches: 1, new: { calls: 300, errors: 300 } }, 'mismatches'],
  ['too few calls, all of them failed', { new: { calls: 199, errors: 199 } }, null],
  ['just enough calls, within the budget', { new: { calls: 200, errors: 2 } }, null],
  ['just enough calls, beyond the budget', { new: { calls: 200, errors: 3 } }, 'errors'],
  ['legacy fails alike', { new: { calls: 300, errors: 90 }, legacy: { calls: 300, errors: 80 } }, null],
  ['legacy fails far less', { new: { calls: 300, errors: 90 }, legacy: { calls: 300, errors: 9 } }, 'errors'],
  ['legacy alone is out', { new: { calls: 300 }, legacy: { calls: 300, errors: 300 } }, null],
  ['new is as quick', { new: { reads: QUICK }, legacy: { reads: QUICK } }, null],
  ['new is slow throughout', { new: { reads: { 100: 1000 } }, legacy: { reads: QUICK } }, 'latency'],
  ['new is slow, and nobody knows how legacy is', { new: { reads: { 100: 1000 } } }, null],
  ['too few reads of legacy', { new: { reads: { 100: 1000 } }, legacy: { reads: { 4: 199 } } }, null],
  ['slow below what harms anybody', { new: { reads: { 8: 1000 } }, legacy: { reads: { 1: 1000 } } }, null],
  [
    'a few slow reads among few: chance',
    { new: { reads: { 4: 196, 400: 4 } }, legacy: { reads: { 4: 198, 20: 2 } } },
    null,
  ],
  [
    'the same share of slow reads among many: no chance',
    { new: { reads: { 4: 9800, 400: 200 } }, legacy: { reads: { 4: 9900, 20: 100 } } },
    'latency',
  ],
]

for (const [what, seen, wanted] of TABLE) {
  test(`${what}: ${wanted ?? 'no trip'}`, () => {
    const found = figures(seen)
    const evidence = judge(found, BUDGETS)
    assert.equal(evidence?.budget ?? null, wanted)
    if (evidence !== null) assert.match(sentence(evidence, BUDGETS), /allowed: /)
  })
}

test('the same two stores under noise trip nothing, however often they are looked at', () => {
  let seed = 1
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  // Log-normal, as latencies are: a p99 of about ten medians.
  const latency = (): number => 5 * Math.exp(Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()))
  for (let look = 0; look < 2000; look += 1) {
    const window = makeWindow(BUDGETS.window)
    for (let i = 0; i < 220; i += 1)
      for (const side of ['legacy', 'new'] as const) window.add({ side, failed: false, ms: latency() }, 0)
    const tallies = window.sum(0)
    assert.equal(judge({ ...tallies, mismatches: [], baseline: baselineOf(tallies, BUDGETS) }, BUDGETS), null)
  }
})

test('a budget of more than one mismatch is broken by the next', () => {
  const budgets = { ...BUDGETS, stable_mismatches: 2 }
  assert.equal(judge(figures({ mismatches: 2 }), budgets), null)
  assert.equal(judge(figures({ mismatches: 3 }), budgets)?.budget, 'mismatches')
})

test('what is older than the window does not count', () => {
  const window = makeWindow(1000)
  window.add({ side: 'new', failed: true, ms: null }, 0)
  window.merge(makeTallies(), 500)
  assert.equal(window.sum(900).new.errors, 1)
  assert.equal(window.sum(1100).new.errors, 0)
})

test('an integration says otherwise key by key, and may switch its guard off or on', () => {
  assert.equal(budgetsOf(BUDGETS, 'off'), null)
  assert.equal(budgetsOf('off', undefined), null)
  assert.equal(budgetsOf(BUDGETS, { min_samples: 50 })?.min_samples, 50)
  assert.equal(budgetsOf(BUDGETS, { min_samples: 50 })?.cap_to, 'shadow')
  assert.equal(budgetsOf('off', { error_ratio: 0.05 })?.window, 300_000)
})
