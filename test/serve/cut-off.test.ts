import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeOf } from '../support/outcome-of.ts'
import { startProcess } from './processes.ts'
import { get, INTEGRATION, ledgerServer, makeSystem, put } from './replicas.ts'

const ledger = ledgerServer()

test('a customer who is cut off is told so at every read and write, and no guard takes that for a failure of the store', async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const { secrets, ops } = await startProcess(t, system, 'a', 'live')
  const body = { integration: INTEGRATION, execute: true, reason: 'test' }
  await ops.call('migrate', { body })
  assert.equal(await outcomeOf(ops, INTEGRATION), 'done')
  await put({ secrets }, 'one', 'v1')
  const change = (change: 'revoke' | 'restore') =>
    ops.call('changeKeys', {
      params: { store: 'vaulted' },
      body: { customer: 'acme', change, execute: true, reason: 'cut off' },
    })
  await change('revoke')
  for (const write of [
    () => put({ secrets }, 'one', 'v2'),
    () => put({ secrets }, 'two', 'v1'),
    () => get({ secrets }, 'one'),
  ])
    await assert.rejects(write, { code: 'customer-revoked' })
  const { integrations } = await ops.call('status', { query: { selector: INTEGRATION } })
  const errors = integrations[0]?.guard?.cohorts.map((cohort) => cohort.errors)
  assert.deepEqual(errors, [0], 'or the cohort would go back to legacy, which knows nothing of a revocation')

  await ops.call('verify', { body })
  assert.equal(await outcomeOf(ops, INTEGRATION), 'mismatches')
  const { mismatches } = await ops.call('mismatches', { query: {} })
  assert.deepEqual(
    mismatches.map(({ name, class: kind }) => [name, kind]),
    [['one', 'store_error']],
  )
  assert.deepEqual((await ops.call('caps', { query: {} })).caps, [])

  await change('restore')
  await put({ secrets }, 'one', 'v3')
  assert.equal((await get({ secrets }, 'one')).value, 'v3')
})
