import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FINALIZE } from '../../migrator/finalize.ts'
import { backOut } from '../../migrator/leave.ts'
import { at, INTEGRATION, names } from './with-migrator.ts'
import { killedAt, withReplicas } from './with-replicas.ts'

const A = at('a')
const note = { actor: 'ann', reason: 'why' }

test('new alone answers at the end, the ledger knows nothing any more, and the report is kept', async (t) => {
  const under = await withReplicas(t)
  await under.seed(names(7))
  await under.migrated()
  under.setPhase('complete')
  await under.node(0).write(A, 'written in complete')
  await under.node(1).remove(names(7)[0] ?? A)
  await under.flushAll()
  const stages: string[] = []
  const result = await under.run('finalize', { stage: (stage) => stages.push(stage) })
  assert.deepEqual(stages, ['prove', 'drain', 'switch', 'drop'])
  assert.deepEqual([result.outcome, result.message], ['done', null])
  const { started: _started, ended, ...figures } = result.report ?? {}
  assert.deepEqual(figures, {
    integration: INTEGRATION,
    secrets: 7,
    verified: 6,
    tombstones: 1,
    owing: 2,
    left_behind: 0,
    from: 'new-only',
    to: 'finalized',
    by: 'ann',
    reason: 'the end',
  })
  assert.ok(Date.parse(String(ended)) > 0)
  assert.equal(await under.state(), 'finalized')
  assert.deepEqual(await under.rows(), [])
  for (const node of under.nodes) {
    await node.refresh()
    assert.equal(await node.read(A), 'written in complete')
    assert.equal(await node.read(names(7)[0] ?? A), null)
  }
  for (const node of under.nodes) {
    await node.write(A, `bare by ${node.name}`)
    assert.equal(await node.read(A), `bare by ${node.name}`)
  }
  assert.equal((await under.held(A)).legacy, null)
  assert.deepEqual(await under.rows(), [])
  const again = await under.run('finalize')
  assert.equal(again.report?.['ended'], ended)
  assert.equal((await under.events('finalized')).length, 1)
})

test('writers of every replica go on throughout, and no acknowledged write is lost', async (t) => {
  const under = await withReplicas(t)
  await under.seed(names(4))
  await under.migrated()
  under.setPhase('complete')
  const acked = new Map<string, string>()
  let stop = false
  const secrets = names(4)
  const writer = async (i: number): Promise<number> => {
    const node = under.node(i)
    const address = secrets[i] ?? A
    let writes = 0
    for (; !stop; writes += 1) {
      await node.write(address, `${node.name} ${writes}`)
      acked.set(address.name, `${node.name} ${writes}`)
      const other = under.node((i + 1) % under.nodes.length)
      assert.equal(await other.read(address), acked.get(address.name), `after ${await under.state()}`)
    }
    return writes
  }
  const writers = under.nodes.map((_, i) => writer(i))
  const result = await under.run('finalize')
  const before = new Map(acked)
  await under.refreshAll()
  const moved = async () => secrets.slice(0, 3).every(({ name }) => acked.get(name) !== before.get(name))
  while (!(await moved())) await new Promise((resolve) => setImmediate(resolve))
  stop = true
  const writes = await Promise.all(writers)
  assert.equal(result.outcome, 'done')
  assert.ok(writes.every((n) => n > 0))
  for (const [i, address] of secrets.slice(0, 3).entries()) {
    assert.equal(await under.node((i + 2) % 3).read(address), acked.get(address.name))
  }
})

test('a replica that has not heard holds the end up, and never serves what is stale', async (t) => {
  const under = await withReplicas(t)
  await under.seed([A])
  await under.migrated()
  const [writer, deaf] = [under.node(0), under.node(2)]
  // A debt that every memory holds: legacy is fresh. It is settled, and the strike is lost.
  under.setPhase('dualwrite')
  under.core.stores.new.troubleWrites('refused')
  await writer.write(A, 'v1')
  await under.flushAll()
  under.core.stores.new.troubleWrites(null)
  await under.core.settleAll()
  assert.equal(deaf.deps.replica.memory.debtOf(A), 'legacy')
  assert.equal((await under.start('verify')).outcome, 'done')
  under.setPhase('complete')
  let heard: 'nothing' | 'finalizing' | 'all' = 'nothing'
  let pinned: Promise<void> | null = null
  const run = under.start('finalize', {
    waiting: (what) => {
      void writer.refresh()
      void under.node(1).refresh()
      if (!what.includes(deaf.name) || what.length > 1) return
      if (heard === 'nothing') {
        heard = 'finalizing'
        void deaf.refresh()
      } else pinned ??= whilePinned()
    },
  })
  const whilePinned = async (): Promise<void> => {
    assert.equal(await under.state(), 'new-only')
    assert.equal(deaf.state(), 'finalizing')
    assert.equal(deaf.deps.replica.memory.debtOf(A), 'legacy')
    // Written by one that has heard: nobody may be told that it is there while the deaf one reads legacy.
    let answered = false
    await writer.refresh()
    const written = writer.write(A, 'v2').then(() => {
      answered = true
    })
    // A write without the ledger needs no more turns than this: both stores are in memory.
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await deaf.read(A), 'v1')
    assert.equal(answered, false)
    heard = 'all'
    await deaf.refresh()
    await written
  }
  assert.equal((await run).outcome, 'done')
  await pinned
  assert.equal(heard, 'all')
  for (const node of under.nodes) assert.equal(await node.read(A), 'v2')
  assert.deepEqual(await under.held(A), { legacy: 'v1', new: 'v2' })
})

test('a replica that crashed holds the end up until it is counted out', async (t) => {
  const under = await withReplicas(t, 1)
  await under.migrated()
  under.setPhase('complete')
  await under.core.replicas.join({ id: 'dead', name: 'dead', lease: -1 })
  const heard: string[] = []
  const result = await under.run('finalize', {
    waiting: (what, stage) => {
      if (what.length === 1 && what[0] === 'dead') {
        heard.push(stage)
        void under.core.replicas.leave('dead')
      }
    },
  })
  assert.equal(result.outcome, 'done')
  assert.equal(heard[0], 'drain')
})

test('an operation begun under another plan ends first, and its debt is settled', async (t) => {
  const under = await withReplicas(t, 2)
  await under.seed([A])
  await under.migrated()
  under.setPhase('complete')
  const atStore = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  under.core.stores.legacy.beforeWrite(async () => {
    atStore.resolve()
    await release.promise
  })
  let written: Promise<unknown> = Promise.resolve()
  let blocked = false
  const result = await under.run('finalize', {
    before: async (next) => {
      if (next !== 'finalizing') return
      // After the proof, on a replica whose flags are behind.
      under.setPhase('dualwrite')
      written = under.node(1).write(A, 'old plan')
      await atStore.promise
      under.setPhase('complete')
    },
    waiting: (what) => {
      if (!what.some((why) => why.includes('owe')) || blocked) return
      blocked = true
      // The second put fails, so legacy alone holds what is acknowledged: new must get it before the end.
      under.core.stores.new.troubleWrites('refused')
      release.resolve()
      void written.then(() => under.core.stores.new.troubleWrites(null))
    },
  })
  await written
  assert.deepEqual([blocked, result.outcome], [true, 'done'])
  assert.deepEqual(await under.held(A), { legacy: 'old plan', new: 'old plan' })
  await under.refreshAll()
  for (const node of under.nodes) assert.equal(await node.read(A), 'old plan')
})

test('an operation of which nobody knows the end is waited out by its lease', async (t) => {
  const under = await withReplicas(t, 1, { lease: 1500 })
  await under.seed([A])
  await under.migrated()
  under.setPhase('complete')
  under.core.stores.new.troubleWrites('unknown-applied')
  await assert.rejects(under.node(0).write(A, 'perhaps'), { code: 'outcome-unknown' })
  under.core.stores.new.troubleWrites(null)
  let waited = false
  const result = await under.run('finalize', {
    waiting: (what, stage) => {
      if (stage === 'switch' && what.some((why) => why.includes('being written'))) waited = true
    },
  })
  assert.deepEqual([waited, result.outcome], [true, 'done'])
  await under.refreshAll()
  assert.equal(await under.node(0).read(A), 'perhaps')
})

for (const [stage, when, state] of [
  ['drain', 'entered', 'enrolled'],
  ['drain', 'waiting', 'finalizing'],
  ['switch', 'entered', 'finalizing'],
  ['switch', 'waiting', 'new-only'],
  ['drop', 'entered', 'new-only'],
] as const) {
  test(`killed when ${stage} is ${when}, the next run goes on from ${state}; reads and writes are right between`, async (t) => {
    const under = await withReplicas(t)
    await under.seed([A])
    await under.migrated()
    under.setPhase('complete')
    await under.node(0).write(A, 'before')
    await killedAt(under, 'finalize', stage, when)
    assert.equal(await under.state(), state)
    for (const node of under.nodes) assert.equal(await node.read(A), 'before')
    if (state === 'new-only') {
      await under.refreshAll()
      await assert.rejects(under.node(1).write(A, 'refused'), { code: 'operation-in-progress' })
    } else await under.node(1).write(A, 'between')
    const value = state === 'new-only' ? 'before' : 'between'
    for (const node of under.nodes) assert.equal(await node.read(A), value)
    const result = await under.run('finalize')
    assert.deepEqual([result.outcome, result.report?.['secrets']], ['done', 1])
    assert.equal((await under.events('finalized')).length, 1)
    await under.refreshAll()
    await under.node(2).write(A, 'after')
    for (const node of under.nodes) assert.equal(await node.read(A), 'after')
  })
}

test('there is a way back until one side is pinned', async (t) => {
  const under = await withReplicas(t)
  await under.seed([A])
  await under.migrated()
  under.setPhase('complete')
  await killedAt(under, 'finalize', 'drain', 'waiting')
  await under.refreshAll()
  under.setPhase('dualwrite')
  assert.equal(await under.node(0).read(A), 'value of a')
  await under.node(0).write(A, 'to new alone: complete is pinned')
  assert.equal((await under.held(A)).legacy, 'value of a')
  await backOut(under.deps, FINALIZE, INTEGRATION, note)
  await under.refreshAll()
  for (const node of under.nodes) assert.equal(await node.read(A), 'to new alone: complete is pinned')
  await under.node(1).write(A, 'both again')
  await under.flushAll()
  await under.core.settleAll()
  assert.deepEqual(await under.held(A), { legacy: 'both again', new: 'both again' })
  under.setPhase('complete')
  assert.equal((await under.start('verify')).outcome, 'done')
  await killedAt(under, 'finalize', 'switch', 'waiting')
  await assert.rejects(backOut(under.deps, FINALIZE, INTEGRATION, note), { code: 'stage-refused' })
  assert.equal(await under.state(), 'new-only')
})
