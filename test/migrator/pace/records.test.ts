import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeJournal } from '../../../ledger/postgres/journal.ts'
import { makePaceRecords } from '../../../ledger/postgres/paces.ts'
import { withMigrator } from '../with-migrator.ts'

test('a pace is kept key by key, and every change is an event with who, why, and what was before', async (t) => {
  const { database } = await withMigrator(t)
  const records = makePaceRecords(database)
  await records.set(['aws', 'github'], { rate: 50, adaptive: false }, { actor: 'kim', reason: 'slowly' })
  await records.set(['aws'], { rate: 'none', concurrency: 4 }, { actor: 'lee', reason: null })
  assert.deepEqual(Object.fromEntries(await records.list()), {
    aws: { rate: 'none', concurrency: 4, adaptive: false },
    github: { rate: 50, adaptive: false },
  })
  const [latest] = await makeJournal(database).list(['aws'], 1)
  assert.deepEqual(
    [latest?.kind, latest?.actor, latest?.detail],
    [
      'pace',
      'lee',
      {
        from: { rate: 50, adaptive: false },
        to: { rate: 'none', concurrency: 4, adaptive: false },
        reason: null,
      },
    ],
  )
})
