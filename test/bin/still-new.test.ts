import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stillNewWords } from '../../bin/cli/still-new.ts'
import { showStill } from '../../bin/ops/still-new.ts'
import { makeStillNew } from '../../bin/serve/still-new.ts'
import type { OnlyNew } from '../../ledger/postgres/quarantine.ts'
import { makeDrivenClock } from '../access/driven-clock.ts'

const COHORTS = ['pilot', 'general']
const AWS = { integrations: ['aws'], cohort: null }

/** Counts that the test holds in its hand. */
function withCounts() {
  const clock = makeDrivenClock()
  let rows: readonly OnlyNew[] | null = []
  let silent: string | null = null
  let readers = [...COHORTS]
  const cohortOf = (customer: string): string => (customer === 'acme' ? 'pilot' : 'general')
  const still = makeStillNew({
    count: async () => {
      if (rows === null) throw new Error('the ledger is away')
      return rows
    },
    cohorts: { of: cohortOf },
    legacyFirst: () => ({ cohorts: new Set(readers), has: (customer) => readers.includes(cohortOf(customer)) }),
    clock,
    silentStore: async () => silent,
  })
  const left = (secrets: number, quarantined = 0, customer = 'acme', integration = 'aws'): OnlyNew => ({
    integration,
    customer,
    secrets,
    quarantined,
  })
  return {
    clock,
    still,
    left,
    hold: (next: readonly OnlyNew[] | null) => {
      rows = next
    },
    /** Cohorts that legacy answers first. */
    read: (cohorts: readonly string[]) => {
      readers = [...cohorts]
    },
    silence: (store: string | null) => {
      silent = store
    },
  }
}

test('when nothing is answered by new any more is told from how it went so far', async () => {
  const { clock, still, left, hold } = withCounts()
  hold([left(500)])
  assert.deepEqual(await still.look(AWS), { secrets: 500, quarantined: 0, zero: { kind: 'unknown' } })
  await clock.advance(2000)
  hold([left(400)])
  assert.deepEqual((await still.look(AWS))?.zero, { kind: 'estimated', inMs: 8000 })
  await clock.advance(8000)
  hold([])
  assert.deepEqual((await still.look(AWS))?.zero, { kind: 'now' })
})

test('at once it is told from the last work of the settler, and what grew again begins anew', async () => {
  const { clock, still, left, hold } = withCounts()
  still.settled('aws', 100, 1000)
  hold([left(50)])
  assert.deepEqual((await still.look(AWS))?.zero, { kind: 'estimated', inMs: 500 })
  await clock.advance(5000)
  hold([left(300)])
  assert.deepEqual((await still.look(AWS))?.zero, { kind: 'estimated', inMs: 3000 })
})

test('a store that does not answer, quarantine and a ledger that is away have words of their own', async () => {
  const { still, left, hold, silence } = withCounts()
  const words = async (): Promise<string | null> => {
    const shown = showStill(await still.look(AWS))
    return shown === null ? null : stillNewWords(shown)
  }
  hold([left(500, 3)])
  silence('vaulted')
  assert.match(String(await words()), /^500 secrets .*0 after the new store is back \(vaulted .*3 of them stay/)
  silence(null)
  hold([left(3, 3)])
  assert.match(String(await words()), /^3 secrets .*quarantine list$/)
  hold([])
  assert.equal(await words(), 'no secret is answered by new any more')
  hold(null)
  assert.equal(await words(), null)
})

test('a cohort counts its own customers, and several integrations end with the last of them', async () => {
  const { still, left, hold } = withCounts()
  still.settled('aws', 10, 1000)
  still.settled('github', 100, 1000)
  hold([left(5), left(20, 0, 'other'), left(100, 0, 'acme', 'github')])
  assert.equal((await still.look({ integrations: ['aws'], cohort: 'pilot' }))?.secrets, 5)
  const all = await still.look({ integrations: ['aws', 'github'], cohort: null })
  assert.deepEqual(all, { secrets: 125, quarantined: 0, zero: { kind: 'estimated', inMs: 2500 } })
})

test('whom new answers first is not counted, and where that is everybody nothing is said', async () => {
  const { still, left, hold, read } = withCounts()
  hold([left(5), left(20, 0, 'other')])
  read(['pilot'])
  assert.equal((await still.look(AWS))?.secrets, 5)
  assert.equal(await still.look({ integrations: ['aws'], cohort: 'general' }), null)
  read([])
  assert.equal(await still.look(AWS), null)
  assert.deepEqual(await still.each(['aws', 'github']), new Map())
})

test('each integration by itself has a figure and an end of its own', async () => {
  const { still, left, hold } = withCounts()
  still.settled('github', 100, 1000)
  hold([left(5, 5), left(100, 0, 'acme', 'github')])
  assert.deepEqual(
    await still.each(['aws', 'github', 'slack']),
    new Map([
      ['aws', { secrets: 5, quarantined: 5, zero: { kind: 'quarantine' } }],
      ['github', { secrets: 100, quarantined: 0, zero: { kind: 'estimated', inMs: 1000 } }],
      ['slack', { secrets: 0, quarantined: 0, zero: { kind: 'now' } }],
    ]),
  )
})
