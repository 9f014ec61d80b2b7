import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Database } from '../../ledger/postgres/database.ts'
import { makeInventory } from '../../ledger/postgres/inventory.ts'
import { makeMismatches } from '../../ledger/postgres/mismatches.ts'
import { COUNT_KEYS, NO_COUNTS, readCounts } from '../../ledger/postgres/progress.ts'
import { readSamples, takeSample } from '../../ledger/postgres/progress-history.ts'
import { makeVerification } from '../../ledger/postgres/verification.ts'
import { beginning, INTEGRATION, OFF, operate, SECRET, withLedger } from './with-ledger.ts'

const at = (customer: string, name: string) => ({ ...SECRET, customer, name })
const cohortOf = (customer: string) => (customer === 'acme' ? 'dogfood' : 'general')
const HOUR = 3_600_000

/** All samples there are, each with the counts that are not 0. */
async function samples(database: Database) {
  const span = { since: 0, until: 2 ** 42, step: 1 }
  return (await readSamples(database, [INTEGRATION, 'github'], span)).map(({ integration, cohorts }) => ({
    integration,
    ...Object.fromEntries(
      [...cohorts].map(([cohort, counts]) => [
        cohort,
        Object.fromEntries(COUNT_KEYS.flatMap((key) => (counts[key] === 0 ? [] : [[key, counts[key]]]))),
      ]),
    ),
  }))
}

test('counts are exact: copied, verified, owed, deleted, quarantined, differing, left', async (t) => {
  const { database, ledger } = await withLedger(t)
  const verification = makeVerification(database)
  await operate(ledger, beginning({ address: at('acme', 'both') }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'verified') }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'gone') }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'gone'), fingerprint: 'absent' }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'owed') }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'owed'), fingerprint: 'v2' }), 'debt')
  await operate(ledger, beginning({ address: at('acme', 'never-copied'), plan: OFF }), 'debt')
  const rows = await verification.page(INTEGRATION, null, 10)
  await verification.verified(rows.filter(({ address }) => address.name === 'verified'))
  await makeInventory(database).record(
    INTEGRATION,
    'legacy',
    [{ ...at('acme', '..'), version: null, refused: true }],
    null,
  )
  await makeMismatches(database).record({
    ...at('acme', 'both'),
    source: 'verify',
    class: 'value',
    legacyFingerprint: 'a',
    newFingerprint: 'b',
    legacyVersion: null,
    newVersion: null,
  })

  assert.deepEqual(await readCounts(database, [INTEGRATION]), [
    {
      integration: INTEGRATION,
      customer: 'acme',
      discovered: 5,
      copied: 2,
      verified: 1,
      owing: 1,
      tombstones: 1,
      quarantined: 1,
      mismatched: 1,
      left: 2,
      arrived: 0,
    },
  ])
})

test('a name that comes after the inventory mark has arrived, one that came before has not', async (t) => {
  const { database, ledger } = await withLedger(t)
  const arrived = async () => (await readCounts(database, [INTEGRATION])).reduce((sum, one) => sum + one.arrived, 0)
  await operate(ledger, beginning({ address: at('acme', 'before') }), 'clean')
  await makeInventory(database).mark(INTEGRATION)
  assert.equal(await arrived(), 0)
  await operate(ledger, beginning({ address: at('acme', 'after') }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'before'), fingerprint: 'v2' }), 'clean')
  assert.equal(await arrived(), 1)
  await operate(ledger, beginning({ address: at('acme', 'after'), fingerprint: 'absent' }), 'clean')
  assert.equal(await arrived(), 0, 'what was deleted again is a tombstone')
})

test('one process takes a sample in its turn, and writes down only what changed', async (t) => {
  const { database, ledger } = await withLedger(t)
  await operate(ledger, beginning({ address: at('acme', 'a') }), 'clean')
  await operate(ledger, beginning({ address: at('globex', 'a'), plan: OFF }), 'debt')
  assert.equal(await takeSample(database, cohortOf), true)
  assert.equal(await takeSample(database, cohortOf), false, 'the minute is not over')
  const first = {
    integration: INTEGRATION,
    dogfood: { discovered: 1, copied: 1 },
    general: { discovered: 1, left: 1 },
  }
  assert.deepEqual(await samples(database), [first])

  assert.equal(await takeSample(database, cohortOf, 0), true)
  assert.deepEqual(await samples(database), [first])
  await operate(ledger, beginning({ address: at('globex', 'a') }), 'clean')
  await takeSample(database, cohortOf, 0)
  assert.deepEqual(await samples(database), [
    first,
    { integration: INTEGRATION, dogfood: { discovered: 1, copied: 1 }, general: { discovered: 1, copied: 1 } },
  ])
})

test('of two processes that look at the same instant one takes the sample', async (t) => {
  const { database } = await withLedger(t)
  const taken = await Promise.all([takeSample(database, cohortOf), takeSample(database, cohortOf)])
  assert.deepEqual(taken.toSorted(), [false, true])
})

test('customers who change their cohort leave nothing behind in the old one', async (t) => {
  const { database, ledger } = await withLedger(t)
  await operate(ledger, beginning({ address: at('globex', 'a') }), 'clean')
  await takeSample(database, cohortOf)
  await takeSample(database, () => 'everybody', 0)
  assert.deepEqual((await samples(database)).at(-1), {
    integration: INTEGRATION,
    everybody: { discovered: 1, copied: 1 },
  })
})

test('what was abandoned has nothing any more, what was finalized keeps its last counts', async (t) => {
  const { database, ledger, stages } = await withLedger(t)
  for (const state of ['enrolling', 'enrolled'] as const) await stages.transition('github', state)
  for (const integration of [INTEGRATION, 'github']) {
    await operate(ledger, beginning({ address: { ...at('acme', 'a'), integration } }), 'clean')
  }
  await takeSample(database, cohortOf)
  for (const state of ['finalizing', 'new-only', 'finalized'] as const) await stages.transition(INTEGRATION, state)
  for (const state of ['abandoning', 'legacy-only', 'bare'] as const) await stages.transition('github', state)
  for (const integration of [INTEGRATION, 'github']) await stages.purge(integration, t.signal)
  await takeSample(database, cohortOf, 0)
  await takeSample(database, cohortOf, 0)
  const [one, other, ...later] = await samples(database)
  assert.deepEqual([one?.integration, other?.integration].toSorted(), [INTEGRATION, 'github'])
  assert.deepEqual(later, [{ integration: 'github' }])
})

test('minutes are kept for a day, of what is older the last of each hour, and nothing beyond 400 days', async (t) => {
  const { database } = await withLedger(t)
  const now = Date.now()
  const hour = Math.floor(now / HOUR) * HOUR - 30 * HOUR
  const plant = async (when: number, discovered: number) => {
    const counts = JSON.stringify({ general: { discovered } })
    const values = [INTEGRATION, new Date(when), counts]
    await database.query(null, 'insert into crossfade.progress_sample values ($1, $2, $3)', values)
  }
  const old = [hour, hour + 60_000, hour + 120_000, hour + HOUR, hour + HOUR + 1]
  const kept = [now - 2 * HOUR, now - 2 * HOUR + 60_000]
  for (const [i, when] of [now - 401 * 24 * HOUR, ...old, ...kept].entries()) await plant(when, i)
  await takeSample(database, cohortOf)
  const found = await readSamples(database, [INTEGRATION], { since: 0, until: now, step: 1 })
  assert.deepEqual(
    found.map(({ at: when }) => when),
    [hour + 120_000, hour + HOUR + 1, ...kept],
  )
})

test('of each step the last sample is read, and the one that held when the first step began', async (t) => {
  const { database } = await withLedger(t)
  const plant = (when: number, discovered: number) =>
    database.query(null, 'insert into crossfade.progress_sample values ($1, $2, $3)', [
      INTEGRATION,
      new Date(when),
      JSON.stringify({ general: { discovered } }),
    ])
  for (const [when, n] of [
    [1000, 1],
    [2000, 2],
    [11_000, 3],
    [12_000, 4],
    [25_000, 5],
    [40_000, 6],
  ] as const)
    await plant(when, n)
  const found = await readSamples(database, [INTEGRATION], { since: 10_000, until: 30_000, step: 10_000 })
  assert.deepEqual(
    found.map(({ at: when, cohorts }) => [when, cohorts.get('general')]),
    [
      [2000, { ...NO_COUNTS, discovered: 2 }],
      [12_000, { ...NO_COUNTS, discovered: 4 }],
      [25_000, { ...NO_COUNTS, discovered: 5 }],
    ],
  )
})
