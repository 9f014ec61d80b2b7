import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sqlMutants } from './equivalence.ts'
import { mutate, SQL_MUTANTS } from './equivalence-mutants.ts'

test('each rule of the SQL that is switched off is missed by the comparison', async () => {
  const results = await sqlMutants()
  assert.deepEqual(
    results.map(({ name }) => name),
    Object.keys(SQL_MUTANTS),
  )
  assert.deepEqual(
    results.filter(({ found }) => !found),
    [],
  )
})

test('a mutant whose text is not there exactly once refuses to be made', () => {
  const mutant = { breaks: 'nothing', file: '010-rules.sql', find: 'r.loose', put: '' }
  const { rewrite, assertMade } = mutate(mutant)
  assert.equal(rewrite('020-begin.sql', 'r.loose'), 'r.loose')
  assert.throws(assertMade, /no 010-rules/)
  assert.throws(() => rewrite('010-rules.sql', 'nothing of it'), /0 times/)
  assert.throws(() => rewrite('010-rules.sql', 'r.loose and r.loose'), /2 times/)
  assert.equal(rewrite('010-rules.sql', 'a r.loose b'), 'a  b')
  assertMade()
})
