import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enrol } from '../../migrator/enrol.ts'
import { INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()
const limits = { timeout: 60_000 }

test(
  'a dead process holds enrol up until it is counted out, which is refused while it gives signs of life',
  limits,
  async (t) => {
    const system = await makeSystem(t, await ledger(), { redis: null })
    const a = await system.start('a', 'dualwrite')
    const { parts, clock } = a.application.engine
    const { replicas, database, stages } = parts
    await replicas.join({ id: 'dead', name: 'host:8700', lease: 1000 })

    const waited = Promise.withResolvers<void>()
    const enrolled = enrol({ stages, integrations: parts.ledger.integrations, clock, patience: 10_000 }, INTEGRATION, {
      signal: AbortSignal.timeout(50_000),
      waiting: (names) => names.length === 1 && names[0] === 'host:8700' && waited.resolve(),
    })
    await waited.promise
    const body = { name: 'host:8700', execute: true, reason: 'the machine is gone' }
    await assert.rejects(a.ops.call('forgetReplica', { body }), { code: 'replica-alive', status: 409 })
    await assert.rejects(a.ops.call('forgetReplica', { body: { name: 'a', execute: true, reason: 'no' } }), {
      code: 'replica-alive',
    })
    await assert.rejects(a.ops.call('forgetReplica', { body: { ...body, name: 'b' } }), { code: 'replica-unknown' })

    await database.query(null, "update crossfade.replica set until = until - interval '1 minute' where id = 'dead'", [])
    const dry = await a.ops.call('forgetReplica', { body: { name: 'host:8700' } })
    assert.deepEqual([dry.executed, dry.replica.state, dry.replica.behind], [false, 'gone', [INTEGRATION]])
    assert.equal((await replicas.registered()).length, 2, 'a dry run does nothing')
    await assert.rejects(a.ops.call('forgetReplica', { body: { name: 'host:8700', execute: true } }), {
      code: 'reason-required',
    })
    assert.equal((await a.ops.call('forgetReplica', { body })).executed, true)
    assert.equal((await enrolled).state, 'enrolled')
    const { events } = await a.ops.call('events', {})
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'replica-forgotten').map(({ by, reason }) => ({ by, reason })),
      [{ by: 'operator', reason: 'the machine is gone' }],
    )
  },
)

test('a process that was counted out although it lives registers itself again', limits, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const a = await system.start('a', 'off')
  const { replicas, replica, id } = a.application.engine.parts
  await replicas.leave(id)
  assert.deepEqual(await replicas.registered(), [])
  await replica.refresh()
  await replica.refresh()
  assert.deepEqual(
    (await replicas.registered()).map(({ name, live }) => ({ name, live })),
    [{ name: 'a', live: true }],
  )
})
