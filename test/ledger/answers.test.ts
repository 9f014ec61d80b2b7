import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BeginAnswer } from '../../ledger/ledger.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { beginning, SECRET, withLedger } from './with-ledger.ts'

type Answered = Readonly<Record<string, BeginAnswer>>

/** The real database, whose answers to a batch of begins are changed on their way back. */
const changing = (database: Database, change: (answers: Answered) => Answered): Database => ({
  ...database,
  query: async (name, text, values) => {
    const rows = await database.query<{ answers: Answered }>(name, text, values)
    const [row] = rows
    return (name === 'crossfade-begin_all' && row ? [{ answers: change(row.answers) }] : rows) as never
  },
})

test('answers of a batch are matched by operation: reordered ones go where they belong', async (t) => {
  const { database } = await withLedger(t)
  const reordered = changing(database, (answers) => Object.fromEntries(Object.entries(answers).reverse()))
  const ledger = makePostgresLedger(reordered)
  const names = ['a', 'b', 'c']
  await ledger.begin(beginning({ address: { ...SECRET, name: 'a' } }))
  const answers = await Promise.all(names.map((name) => ledger.begin(beginning({ address: { ...SECRET, name } }))))
  assert.deepEqual(
    answers.map((answer) => answer.kind === 'begun' && answer.alone),
    [false, true, true],
  )
})

test('an operation that a batch says nothing of is not known, and the others are', async (t) => {
  const { database } = await withLedger(t)
  const lost = beginning({ address: { ...SECRET, name: 'lost' } })
  const foreign = changing(database, ({ [lost.op]: answer, ...rest }) => ({ ...rest, toString: answer as BeginAnswer }))
  const ledger = makePostgresLedger(foreign)
  const [missed, other] = await Promise.allSettled([ledger.begin(lost), ledger.begin(beginning())])
  assert.equal(missed.status === 'rejected' && missed.reason.code, 'ledger-unavailable')
  assert.equal(other.status === 'fulfilled' && other.value.kind, 'begun')
})
