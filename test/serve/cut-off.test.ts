import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enrolAll, get, INTEGRATION, ledgerServer, makeSystem, put } from './replicas.ts'

const ledger = ledgerServer()

test('a customer who is cut off is told so at every read and write, and no guard takes that for a failure of the store', async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const a = await system.start('a', 'live')
  await enrolAll(a)
  await put(a, 'one', 'v1')
  const change = (change: 'revoke' | 'restore') =>
    a.ops.call('changeKeys', {
      params: { store: 'vaulted' },
      body: { customer: 'acme', change, execute: true, reason: 'cut off' },
    })
  await change('revoke')
  for (const write of [() => put(a, 'one', 'v2'), () => put(a, 'two', 'v1'), () => get(a, 'one')])
    await assert.rejects(write, { code: 'customer-revoked' })
  const { integrations } = await a.ops.call('status', { query: { selector: INTEGRATION } })
  const errors = integrations[0]?.guard?.cohorts.map((cohort) => cohort.errors)
  assert.deepEqual(errors, [0], 'or the cohort would go back to legacy, which knows nothing of a revocation')
  await change('restore')
  await put(a, 'one', 'v3')
  assert.equal((await get(a, 'one')).value, 'v3')
})
