import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { makeDatabase } from '../../ledger/postgres/database.ts'
import { freshDatabase } from '../support/postgres.ts'

test('a connection that is cut between two statements of a transaction ends the transaction, and not the process', async (t) => {
  const { url } = await freshDatabase(t)
  const [database, other] = [1, 2].map(() => makeDatabase({ url, maxConnections: 1, statementTimeout: 10_000 }))
  assert.ok(database && other)
  t.after(() => Promise.all([database.close(), other.close()]))
  const alive = (pid: number) =>
    other.query<{ n: number }>(null, 'select count(*)::int as n from pg_stat_activity where pid = $1', [pid])
  const cut = database.transaction(async (query) => {
    const [row] = await query<{ pid: number }>(null, 'select pg_backend_pid() as pid', [])
    assert.ok(row)
    await other.query(null, 'select pg_terminate_backend($1)', [row.pid])
    // The end of the connection reaches this process while it sends nothing.
    while ((await alive(row.pid))[0]?.n !== 0) await setImmediate()
    for (let turn = 0; turn < 50; turn += 1) await setImmediate()
    return query(null, 'select 1', [])
  })
  await assert.rejects(cut, { code: 'ledger-unavailable' })
  assert.deepEqual(await database.query(null, 'select 1 as one', []), [{ one: 1 }])
})
