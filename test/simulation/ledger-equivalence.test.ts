import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareOn, randomSeed } from './equivalence.ts'
import { withLedgerDatabases } from './equivalence-database.ts'

const RUNS = process.env['CI'] === 'true' ? 10_000 : 2_000

test(`the simulated ledger answers as the SQL one does, row by row, in ${RUNS} random sequences`, async (t) => {
  const seed = randomSeed()
  const { sequences, steps, story } = await withLedgerDatabases((make) => compareOn(make, { runs: RUNS, seed }))
  assert.equal(story, null, story ?? '')
  assert.equal(sequences, RUNS)
  assert.ok(steps > 5 * RUNS, `only ${steps} steps`)
  t.diagnostic(`seed ${seed}: ${steps} steps`)
})
