import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PHASES } from '../../flags/phase.ts'
import { acceptQuarantine, countQuarantine, listQuarantine } from '../../ledger/postgres/quarantine.ts'
import { planLeave } from '../../migrator/leave-plan.ts'
import { at, INTEGRATION, names, secretOf } from './with-migrator.ts'
import { killedAt, withReplicas } from './with-replicas.ts'

const A = at('a')
const B = at('b')
const C = at('c')

test('legacy alone answers at the end, as before the migration', async (t) => {
  const under = await withReplicas(t)
  await under.seed(names(3))
  await under.migrated()
  under.setPhase('off')
  await under.node(0).write(A, 'written in off')
  await under.flushAll()
  const result = await under.run('abandon')
  assert.deepEqual([result.outcome, result.report?.['secrets'], result.report?.['to']], ['done', 4, 'bare'])
  assert.deepEqual([await under.state(), await under.rows()], ['bare', []])
  await under.refreshAll()
  for (const node of under.nodes) assert.equal(await node.read(A), 'written in off')
  await under.node(1).write(A, 'bare')
  for (const node of under.nodes) assert.equal(await node.read(A), 'bare')
  assert.deepEqual(await under.held(A), { legacy: 'bare', new: null })
  assert.deepEqual((await under.held(names(3)[0] ?? A)).new, 'value of key-0000')
})

test('what only new holds comes back to legacy first, or nothing begins', async (t) => {
  const under = await withReplicas(t)
  await under.migrated()
  under.setPhase('complete')
  await under.node(0).write(A, 'on new alone')
  await under.flushAll()
  under.setPhase('off')
  const deps = { ...under.deps, phases: () => [] }
  assert.deepEqual((await planLeave(deps, INTEGRATION, 'abandon')).missing, [
    '1 secrets are on new alone, or newer there',
  ])
  await assert.rejects(under.run('abandon'), { code: 'proof-missing' })
  for (const node of under.nodes) assert.equal(await node.read(A), 'on new alone')
  await under.core.settleAll()
  assert.deepEqual((await planLeave(deps, INTEGRATION, 'abandon')).missing, [])
  assert.equal((await under.run('abandon')).outcome, 'done')
  await under.refreshAll()
  for (const node of under.nodes) assert.equal(await node.read(A), 'on new alone')
})

test('a write that began under complete and ends meanwhile is carried to legacy before the end', async (t) => {
  const under = await withReplicas(t, 2)
  await under.seed([A])
  await under.migrated()
  under.setPhase('off')
  const atStore = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  under.core.stores.new.beforeWrite(async () => {
    atStore.resolve()
    await release.promise
  })
  let written: Promise<unknown> = Promise.resolve()
  const result = await under.run('abandon', {
    before: async (next) => {
      if (next !== 'abandoning') return
      under.setPhase('complete')
      written = under.node(1).write(A, 'late on new')
      await atStore.promise
      under.setPhase('off')
    },
    waiting: (what) => {
      if (what.some((why) => why.includes('legacy owes'))) release.resolve()
    },
  })
  await written
  assert.equal(result.outcome, 'done')
  await under.refreshAll()
  for (const node of under.nodes) assert.equal(await node.read(A), 'late on new')
})

test('a replica that remembers an old debt never reads it while others write without the ledger', async (t) => {
  const under = await withReplicas(t)
  await under.migrated()
  const [writer, deaf] = [under.node(0), under.node(2)]
  under.setPhase('complete')
  await writer.write(A, 'v1')
  await under.flushAll()
  await under.core.settleAll()
  under.setPhase('off')
  assert.equal(deaf.deps.replica.memory.debtOf(A), 'new')
  let heard = 0
  let pinned: Promise<void> | null = null
  const whilePinned = async (): Promise<void> => {
    assert.deepEqual([await under.state(), deaf.state()], ['legacy-only', 'abandoning'])
    let answered = false
    await writer.refresh()
    const written = writer.write(A, 'v2').then(() => {
      answered = true
    })
    // A write without the ledger needs no more turns than this: both stores are in memory.
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await deaf.read(A), 'v1')
    assert.equal(answered, false)
    await deaf.refresh()
    await written
  }
  const result = await under.start('abandon', {
    waiting: (what, stage) => {
      void writer.refresh()
      void under.node(1).refresh()
      if (what.length !== 1 || what[0] !== deaf.name) return
      if (stage === 'drain' && heard++ === 0) void deaf.refresh()
      if (stage === 'switch') pinned ??= whilePinned()
    },
  })
  await pinned
  assert.deepEqual([result.outcome, pinned !== null], ['done', true])
  for (const node of under.nodes) assert.equal(await node.read(A), 'v2')
  assert.deepEqual(await under.held(A), { legacy: 'v2', new: 'v1' })
})

for (const [stage, when, state] of [
  ['drain', 'waiting', 'abandoning'],
  ['switch', 'entered', 'abandoning'],
  ['switch', 'waiting', 'legacy-only'],
  ['drop', 'entered', 'legacy-only'],
] as const) {
  test(`killed when ${stage} is ${when}, abandon goes on from ${state}; reads and writes are right between`, async (t) => {
    const under = await withReplicas(t)
    await under.seed([A])
    await under.migrated()
    await under.node(0).write(A, 'before')
    await killedAt(under, 'abandon', stage, when)
    assert.equal(await under.state(), state)
    for (const node of under.nodes) assert.equal(await node.read(A), 'before')
    if (state === 'legacy-only') {
      await under.refreshAll()
      await assert.rejects(under.node(1).write(A, 'refused'), { code: 'operation-in-progress' })
    } else await under.node(1).write(A, 'between')
    const result = await under.run('abandon')
    assert.equal(result.outcome, 'done')
    assert.equal((await under.events('abandoned')).length, 1)
    await under.refreshAll()
    await under.node(2).write(A, 'after')
    for (const node of under.nodes) assert.equal(await node.read(A), 'after')
  })
}

test('an enrolment that does not end is abandoned', async (t) => {
  const under = await withReplicas(t, 2, { enrolled: false })
  await under.seed([A])
  await under.core.stages.transition(INTEGRATION, 'enrolling')
  await under.refreshAll()
  await under.node(0).write(A, 'tracked')
  assert.equal((await under.run('abandon')).outcome, 'done')
  assert.deepEqual([await under.state(), await under.rows()], ['bare', []])
  await under.refreshAll()
  await under.node(1).write(A, 'bare')
  assert.equal(await under.node(0).read(A), 'bare')
})

/** Migrated, abandoned, and changed on legacy since: A has another value, B is gone, C is as it was. */
async function enrolledAgain(t: Parameters<typeof withReplicas>[0]) {
  const under = await withReplicas(t)
  await under.seed([A, B, C])
  await under.migrated()
  under.setPhase('complete')
  await under.node(0).write(A, 'by the first life, on new')
  await under.flushAll()
  await under.core.settleAll()
  under.setPhase('off')
  assert.equal((await under.run('abandon')).outcome, 'done')
  await under.refreshAll()
  await under.node(1).write(A, 'since then')
  await under.node(2).remove(B)
  assert.deepEqual(await under.held(A), { legacy: 'since then', new: 'by the first life, on new' })
  assert.equal((await under.run('migrate')).outcome, 'done')
  await under.refreshAll()
  return under
}

test('what was left on new is foreign to a later enrol: never served, never put over, not counted as copied', async (t) => {
  const under = await enrolledAgain(t)
  const quarantined = await listQuarantine(under.database, [INTEGRATION], null, 10)
  assert.deepEqual(
    quarantined.map(({ name, reason }) => [name, reason]),
    [
      ['a', 'foreign'],
      ['b', 'foreign'],
    ],
  )
  for (const phase of PHASES) {
    under.setPhase(phase)
    for (const node of under.nodes) {
      assert.equal(await node.read(A), 'since then', phase)
      assert.equal(await node.read(B), null, phase)
      assert.equal(await node.read(C), 'value of c', phase)
    }
  }
  assert.deepEqual(await under.held(A), { legacy: 'since then', new: 'by the first life, on new' })
  assert.equal((await under.held(B)).new, 'value of b')
  assert.equal((await under.deps.counts(INTEGRATION)).quarantined, 2)
})

test('an operator who accepts that has settle put legacy over it, and remove what legacy has not', async (t) => {
  const under = await enrolledAgain(t)
  assert.deepEqual(await countQuarantine(under.database, INTEGRATION), { handed_over: 2, left_behind: 0 })
  assert.deepEqual(await acceptQuarantine(under.database, INTEGRATION), { handed_over: 2, left_behind: 0 })
  await under.core.settleAll()
  assert.deepEqual(await under.held(A), { legacy: 'since then', new: 'since then' })
  assert.deepEqual(await under.held(B), { legacy: null, new: null })
  assert.equal((await under.start('verify')).outcome, 'done')
  under.setPhase('complete')
  const result = await under.run('finalize')
  assert.deepEqual([result.outcome, result.report?.['secrets'], result.report?.['left_behind']], ['done', 2, 0])
  await under.refreshAll()
  for (const node of under.nodes) {
    assert.equal(await node.read(A), 'since then')
    assert.equal(await node.read(B), null)
  }
})

test('what cannot be moved stays behind only if that was accepted, and only until it changes', async (t) => {
  const under = await withReplicas(t, 1)
  await under.seed([A, B])
  await under.migrated()
  under.setPhase('off')
  await under.node(0).write(B, 'on legacy')
  await under.flushAll()
  await under.plant('legacy', B, secretOf('changed past the proxy'))
  await under.core.settleAll()
  under.setPhase('complete')
  const [entry] = await listQuarantine(under.database, [INTEGRATION], null, 10)
  assert.deepEqual([entry?.name, entry?.reason], ['b', 'out_of_band'])
  await assert.rejects(under.run('finalize'), { code: 'proof-missing' })
  assert.deepEqual(await acceptQuarantine(under.database, INTEGRATION), { handed_over: 0, left_behind: 1 })
  under.setPhase('off')
  await under.node(0).write(B, 'changed by a client')
  await under.flushAll()
  await under.plant('legacy', B, secretOf('past the proxy again'))
  await under.core.settleAll()
  under.setPhase('complete')
  await assert.rejects(under.run('finalize'), { code: 'proof-missing' })
  await acceptQuarantine(under.database, INTEGRATION)
  const result = await under.run('finalize')
  assert.deepEqual([result.outcome, result.report?.['left_behind']], ['done', 1])
})
