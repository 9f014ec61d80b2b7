import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshDatabase, testPool } from '../support/postgres.ts'

test('a fresh database is empty, speaks SQL and compares like a person, not like a machine', async (t) => {
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  const { rows } = await pool.query(
    `select 'a' < 'B' as human, (select count(*)::int from pg_stat_user_tables) as tables`,
  )
  assert.deepEqual(rows, [{ human: true, tables: 0 }])
})
