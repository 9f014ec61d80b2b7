import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeJournal } from '../../ledger/postgres/journal.ts'
import { makeMismatches } from '../../ledger/postgres/mismatches.ts'
import { INTEGRATION, withLedger } from './with-ledger.ts'

const TWELVE = Array.from({ length: 12 }, (_, i) => `n${i}`)

test('events and mismatches come newest first, in pages, beyond the ninth', async (t) => {
  const { database } = await withLedger(t)
  const journal = makeJournal(database)
  const mismatches = makeMismatches(database)
  for (const name of TWELVE) {
    await journal.append({ kind: name, integration: INTEGRATION, actor: 'ann', detail: {} })
    await mismatches.record({
      integration: INTEGRATION,
      customer: 'acme',
      name,
      source: 'verify',
      class: 'value',
      legacyFingerprint: 'x',
      newFingerprint: 'y',
      legacyVersion: null,
      newVersion: null,
    })
  }
  const newest = TWELVE.toReversed()
  const first = await journal.list([INTEGRATION], 5)
  const rest = await journal.list([INTEGRATION], 100, first.at(-1)?.id ?? '')
  assert.deepEqual(
    [...first, ...rest].map(({ kind }) => kind),
    newest,
  )
  const page = await mismatches.list(INTEGRATION, true, 5)
  const others = await mismatches.list(INTEGRATION, true, 100, page.at(-1)?.id ?? '')
  assert.deepEqual(
    [...page, ...others].map(({ name }) => name),
    newest,
  )
})
