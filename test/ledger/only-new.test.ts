import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { Database } from '../../ledger/postgres/database.ts'
import { countOnlyNew } from '../../ledger/postgres/quarantine.ts'
import { beginning, COMPLETE, INTEGRATION, OFF, operate, withLedger } from './with-ledger.ts'

test('what only new holds is counted by customer, deleted or not, those in quarantine told apart', async (t) => {
  const { database, ledger } = await withLedger(t)
  const write = (customer: string, name: string, plan: typeof COMPLETE | typeof OFF, fingerprint = 'v1') =>
    operate(
      ledger,
      beginning({ op: randomUUID(), address: { integration: INTEGRATION, customer, name }, plan, fingerprint }),
      'debt',
    )
  await write('acme', 'a', COMPLETE)
  await write('acme', 'b', COMPLETE, 'absent')
  await write('acme', 'c', COMPLETE)
  await write('beta', 'a', COMPLETE)
  await write('beta', 'b', OFF)
  await database.query(null, `update crossfade.secret set quarantine = 'too-large' where name = 'c'`, [])
  const found = await countOnlyNew(database, [INTEGRATION, 'another'])
  assert.deepEqual(
    found.toSorted((a, b) => a.customer.localeCompare(b.customer)),
    [
      { integration: INTEGRATION, customer: 'acme', secrets: 3, quarantined: 1 },
      { integration: INTEGRATION, customer: 'beta', secrets: 1, quarantined: 0 },
    ],
  )
})

test('a few of them are found by index, among many that are equal and many that new owes', async (t) => {
  const { database } = await withLedger(t)
  await database.query(
    null,
    `insert into crossfade.secret (integration, customer, name, fresh, first, blank, gone, copied)
     select $1, 'c' || n % 100, 'n' || n, case when n <= 5 then 'new' when n % 3 = 0 then 'legacy' else 'both' end,
       'legacy', false, false, true from generate_series(1, 20000) n`,
    [INTEGRATION],
  )
  await database.query(null, 'analyze crossfade.secret', [])
  const explaining: Pick<Database, 'query'> = {
    query: (_name, text, values) => database.query(null, `explain ${text}`, values),
  }
  const plan = JSON.stringify(await countOnlyNew(explaining, [INTEGRATION]))
  assert.match(plan, /secret_owing/)
  assert.match(plan, /secret_quarantined/)
  assert.doesNotMatch(plan, /Seq Scan|secret_pkey|secret_debts/)
})
