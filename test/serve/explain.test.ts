import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enrolAll, INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()

test('explain names the cohort, the strategy that matched, every cap that lowers the request, and what takes each away', async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const replica = await system.start('only', 'live')
  const explain = () => replica.ops.call('explain', { params: { integration: INTEGRATION, customer: 'acme' } })
  const bare = await explain()
  assert.deepEqual(bare.steps.at(-1), {
    rule: 'state',
    phase: 'off',
    because: 'not enrolled: crossfade migrate enrols it',
  })

  await enrolAll(replica)
  await replica.ops.call('rollback', { body: { selector: '*', to: 'shadow', reason: 'all of it' } })
  await replica.ops.call('rollback', {
    body: { selector: INTEGRATION, cohort: 'general', to: 'dualwrite', reason: 'one' },
  })
  await replica.ops.call('rollback', { body: { selector: INTEGRATION, cohort: 'pilot', reason: 'others' } })
  const told = await explain()
  assert.deepEqual([told.cohort, told.requested, told.effective], ['general', 'live', 'dualwrite'])
  assert.match(told.steps[0]?.because ?? '', /^strategy 1 of the flag \(everybody: 100 % live\)$/)
  assert.deepEqual(
    told.steps.slice(1).map(({ rule, phase, because }) => [rule, phase, because]),
    [
      ['cap (rollback)', 'dualwrite', 'operator: one'],
      ['cap (rollback)', 'shadow', 'operator: all of it'],
    ],
  )
  assert.deepEqual(told.next, [
    'crossfade lift aws --cohort general',
    'crossfade lift --all',
    'crossfade flags set aws --cohort general PHASE --execute --reason "..."',
  ])
})
