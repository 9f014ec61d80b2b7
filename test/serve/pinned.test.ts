import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IntegrationState } from '../../ledger/ledger.ts'
import { enrolAll, INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()

test('a rollback says of what leaves legacy, or has left it, that no cap leads back, and no command pretends to', async (t) => {
  const replica = await (await makeSystem(t, await ledger(), { redis: null })).start('only', 'complete')
  await enrolAll(replica)
  const { ops } = replica
  const { stages } = replica.application.engine.parts
  const leave = async (state: IntegrationState) => {
    const left = await stages.leave(INTEGRATION, state, { actor: 'test', reason: null })
    assert.ok(left.kind === 'done')
    await stages.everyReplica(left.row, () => undefined, AbortSignal.timeout(20_000))
  }
  const rollback = async () => (await ops.call('rollback', { body: { selector: '*' } })).unmoved
  const explained = async () =>
    (await ops.call('explain', { params: { integration: INTEGRATION, customer: 'acme' } })).next
  const asked = async () => {
    const { changes } = await ops.call('setFlags', { body: { selector: INTEGRATION, phase: 'off', reason: 'look' } })
    return changes[0]?.waits_for
  }
  assert.deepEqual(await rollback(), [])

  await leave('finalizing')
  const [finalizing] = await rollback()
  assert.equal(finalizing?.next, `crossfade finalize ${INTEGRATION} --abort --execute --reason "..."`)
  assert.equal((await explained())[0], `crossfade finalize ${INTEGRATION} --execute --reason "..."`)

  await leave('new-only')
  await leave('finalized')
  const why = 'finalized: the new side for good'
  assert.deepEqual(await rollback(), [{ integration: INTEGRATION, phase: 'complete', why, next: null }])
  assert.deepEqual(await asked(), [why])
  assert.deepEqual(await explained(), [])
  const body = { integration: INTEGRATION, reason: 'test' }
  const plan = await ops.call('migrate', { body })
  assert.ok(plan.kind === 'plan')
  assert.deepEqual(plan.missing, ['it is finalized, and is not enrolled again from there'])
  assert.deepEqual(plan.next, [`crossfade status ${INTEGRATION}`])
  for (const verb of ['migrate', 'verify'] as const)
    await assert.rejects(ops.call(verb, { body: { ...body, execute: true } }), {
      code: 'stage-refused',
      detail: /^it is finalized, [^:]*$/,
    })
})
