import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECRET, secretOf, withCore } from '../proxy/core/with-core.ts'

const none = { kind: 'none' } as const
const call = { deadline: Number.POSITIVE_INFINITY }

test('settle copies in either direction and both sides are equal afterwards', async (t) => {
  for (const phase of ['off', 'complete'] as const) {
    const core = await withCore(t)
    core.setPhase(phase)
    await core.secrets.write(SECRET, secretOf('v1'), none)
    assert.deepEqual(
      (await core.settleAll()).map((r) => r.kind),
      ['equal'],
    )
    assert.deepEqual([await core.held('legacy'), await core.held('new')], ['v1', 'v1'])
  }
})

test('a delete that one side owes is carried over, and nothing brings the secret back', async (t) => {
  const core = await withCore(t)
  core.setPhase('dualwrite')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  core.stores.new.troubleWrites('refused')
  await core.secrets.remove(SECRET, none)
  core.stores.new.troubleWrites(null)
  await core.settleAll()
  assert.deepEqual([await core.held('legacy'), await core.held('new')], [null, null])
  assert.equal((await core.ledger.ask(SECRET)).row?.deleted, true)
})

test('absence without a recorded delete is quarantined, never carried over', async (t) => {
  const core = await withCore(t)
  core.setPhase('off')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.settleAll()
  await core.secrets.write(SECRET, secretOf('v2'), none)
  await core.lazy.flush()
  await core.stores.legacy.remove(SECRET, { kind: 'any' }, call)
  assert.deepEqual(
    (await core.settleAll()).map((r) => [r.kind, r.reason]),
    [['quarantine', 'missing']],
  )
  assert.equal(await core.held('new'), 'v1')
})

test('a value that was changed behind the row is never copied', async (t) => {
  const core = await withCore(t)
  core.setPhase('off')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.lazy.flush()
  await core.stores.legacy.put(SECRET, secretOf('tampered'), { kind: 'any' }, call)
  assert.deepEqual(
    (await core.settleAll()).map((r) => [r.kind, r.reason]),
    [['quarantine', 'out_of_band']],
  )
  assert.equal(await core.held('new'), null)
})

test('a write that lands while settle copies is not overwritten and stays a debt', async (t) => {
  const core = await withCore(t)
  core.setPhase('off')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.lazy.flush()
  let raced = false
  core.stores.new.beforeWrite(async () => {
    if (raced) return
    raced = true
    core.setPhase('live')
    await core.secrets.write(SECRET, secretOf('v2'), none)
  })
  const [report] = await core.settleAll()
  assert.equal(raced, true)
  assert.notEqual(report?.kind, 'equal')
  assert.equal(await core.served('live'), 'v2')
  assert.equal(await core.served('off'), 'v2')
})

test('a settle whose put has an unknown outcome leaves the debt open until its lease ends', async (t) => {
  const core = await withCore(t)
  core.setPhase('off')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  core.stores.new.troubleWrites('unknown-applied')
  assert.deepEqual(
    (await core.settleAll()).map((r) => r.kind),
    ['unknown'],
  )
  const { row } = await core.ledger.ask(SECRET)
  assert.deepEqual([row?.fresh, row?.open], ['legacy', 1])
})
