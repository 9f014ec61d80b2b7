import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readGateFigures } from '../../ledger/postgres/gate-figures.ts'
import { makeGateRecords } from '../../ledger/postgres/gate-records.ts'
import { makeJournal } from '../../ledger/postgres/journal.ts'
import { makeVerification } from '../../ledger/postgres/verification.ts'
import { beginning, DUAL, INTEGRATION, OFF, operate, SECRET, withLedger } from './with-ledger.ts'

const at = (customer: string, name: string) => ({ ...SECRET, customer, name })

test('figures are of each customer: held by both sides, verified, owed, differing', async (t) => {
  const { database, ledger } = await withLedger(t)
  const verification = makeVerification(database)
  await operate(ledger, beginning({ address: at('acme', 'a') }), 'clean')
  await operate(ledger, beginning({ address: at('acme', 'b') }), 'clean')
  await operate(ledger, beginning({ address: at('globex', 'a'), plan: OFF }), 'debt')
  await operate(ledger, beginning({ address: at('globex', 'b') }), 'clean')
  await operate(ledger, beginning({ address: at('globex', 'b'), fingerprint: 'absent' }), 'clean')
  await verification.verified(
    (await verification.page(INTEGRATION, null, 10)).filter(({ address }) => address.name === 'a'),
  )

  const { customers, fullVerify, inventoried } = await readGateFigures(database, INTEGRATION)
  const none = { quarantined: 0, mismatches: 0 }
  assert.deepEqual(
    customers.toSorted((a, b) => a.customer.localeCompare(b.customer)),
    [
      { customer: 'acme', secrets: 2, copied: 2, verified: 1, debts: 0, ...none },
      { customer: 'globex', secrets: 1, copied: 0, verified: 0, debts: 1, ...none },
    ],
  )
  assert.deepEqual([fullVerify, inventoried], [false, false])
})

test('a change after a verify is not verified, unless it came after a full verify began and both sides hold it', async (t) => {
  const { database, ledger } = await withLedger(t)
  const verification = makeVerification(database)
  const verified = async () => (await readGateFigures(database, INTEGRATION)).customers[0]?.verified
  await operate(ledger, beginning(), 'clean')
  await verification.verified(await verification.page(INTEGRATION, null, 10))
  assert.equal(await verified(), 1)
  await operate(ledger, beginning({ fingerprint: 'v2' }), 'clean')
  assert.equal(await verified(), 0)

  const began = await verification.began()
  await verification.whole(INTEGRATION, began)
  assert.equal(await verified(), 0, 'what a full verify did not see stays unverified')
  await operate(ledger, beginning({ fingerprint: 'v3', plan: DUAL }), 'clean')
  assert.equal(await verified(), 1)
  await operate(ledger, beginning({ fingerprint: 'v4' }), 'debt')
  assert.equal(await verified(), 0, 'one side alone holds it')
})

test('a full verify counts while the integration is enrolled, and goes with it', async (t) => {
  const { database, stages } = await withLedger(t)
  const verification = makeVerification(database)
  const records = makeGateRecords(database)
  await verification.whole('github', await verification.began())
  assert.equal((await readGateFigures(database, 'github')).fullVerify, false)
  await verification.whole(INTEGRATION, await verification.began())
  await records.compared([{ integration: INTEGRATION, cohort: 'pilot', n: 3 }])
  await records.compared([{ integration: INTEGRATION, cohort: 'pilot', n: 4 }])
  const before = await readGateFigures(database, INTEGRATION)
  assert.deepEqual([before.fullVerify, before.comparisons.get('pilot')], [true, 7])
  for (const state of ['abandoning', 'legacy-only', 'bare'] as const) await stages.transition(INTEGRATION, state)
  const after = await readGateFigures(database, INTEGRATION)
  assert.deepEqual([after.fullVerify, after.comparisons.size], [false, 0])
})

test('a record is saved by who knows the version, the flag, the caps and the state; its events with it', async (t) => {
  const { database, ledger } = await withLedger(t)
  const records = makeGateRecords(database)
  const epoch = (await ledger.integrations())[0]?.epoch ?? 0
  const change = {
    integration: INTEGRATION,
    expected: 0,
    record: { flag: null, cohorts: {} },
    definition: null,
    caps: 0,
    epoch,
    reset: [],
    events: [{ kind: 'phase', actor: 'flag', detail: { cohort: null, from: 'off', to: 'live' } }],
  }
  assert.equal(await records.save({ ...change, expected: 1 }), null)
  assert.equal(await records.save({ ...change, caps: 1 }), null)
  assert.equal(await records.save({ ...change, epoch: epoch - 1 }), null)
  assert.equal(await records.save({ ...change, definition: { feature: {} } }), null)
  const journal = makeJournal(database)
  assert.deepEqual(await journal.list([INTEGRATION], 10), [])
  const saved = await records.save(change)
  assert.deepEqual([saved?.version, saved?.revision], [1, (await records.loadAt()).revision])
  assert.equal(await records.save(change), null, 'the same change is one fact')
  const [event, ...more] = await journal.since([INTEGRATION], 10, '0')
  assert.deepEqual([event?.kind, event?.detail['gates_revision'], more], ['phase', saved?.revision, []])
})

test('one process counts at a time, in turns', async (t) => {
  const { database } = await withLedger(t)
  const records = makeGateRecords(database)
  assert.equal(await records.claim(INTEGRATION, 60_000), true)
  assert.equal(await records.claim(INTEGRATION, 60_000), false)
  assert.equal(await records.claim(INTEGRATION, 0), true)
})

test('events are followed by number, oldest first, and bounded but for the reports', async (t) => {
  const { database } = await withLedger(t)
  const journal = makeJournal(database)
  const append = (kind: string) => journal.append({ kind, integration: INTEGRATION, actor: 'ann', detail: {} })
  for (const kind of ['finalized', 'one', 'two', 'three']) await append(kind)
  const [first] = await journal.since([INTEGRATION], 2, '0')
  const kinds = async (after: string) => (await journal.since([INTEGRATION], 10, after)).map(({ kind }) => kind)
  assert.deepEqual(await kinds(first?.id ?? ''), ['one', 'two', 'three'])
  await database.query(null, "select setval(pg_get_serial_sequence('crossfade.event', 'id'), 100499)", [])
  await append('newest')
  assert.deepEqual(await kinds('0'), ['finalized', 'newest'])
})
