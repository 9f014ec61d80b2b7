import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Phase } from '../../flags/phase.ts'
import { enrolAll, INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()
const HELD =
  'max_moves: one answer moves 2 integrations and may move 1: crossfade flags accept --execute --reason "..."'

test('what is written while max_moves holds an answer says that it does not take effect, and what lets it through', async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null, maxMoves: '20%' })
  const replica = await system.start('only', 'off')
  await enrolAll(replica)
  const set = async (selector: string, phase: Phase, execute: boolean) => {
    const body = { selector, phase, execute, reason: 'test' }
    const { changes } = await replica.ops.call('setFlags', { body })
    const own = changes.find(({ integration }) => integration === INTEGRATION)
    return { runs: own?.effective, waits: own?.waits_for }
  }
  assert.deepEqual(await set(INTEGRATION, 'dualwrite', false), { runs: 'dualwrite', waits: [] })
  assert.deepEqual(await set('*', 'dualwrite', false), { runs: 'off', waits: [HELD] }, 'one file, one answer')
  assert.deepEqual(await set('*', 'dualwrite', true), { runs: 'off', waits: [HELD] })
  assert.deepEqual(await set(INTEGRATION, 'live', true), { runs: 'off', waits: [HELD] })
  assert.deepEqual(
    await set(INTEGRATION, 'off', false),
    { runs: 'off', waits: [] },
    'taken back, the other one may move',
  )
  const { next } = await replica.ops.call('explain', { params: { integration: INTEGRATION, customer: 'acme' } })
  assert.deepEqual(next, ['crossfade flags accept --execute --reason "..."'])

  await replica.ops.call('acceptFlags', { body: { execute: true, reason: 'meant' } })
  assert.deepEqual(await set(INTEGRATION, 'live', true), { runs: 'live', waits: [] })
  await set('*', 'shadow', true)
  const back = await set(INTEGRATION, 'off', true)
  assert.equal(back.runs, 'live')
  assert.equal(back.waits?.[0], `${HELD}; to go back at once: crossfade rollback ${INTEGRATION}`)
})
