import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enrol } from '../../migrator/enrol.ts'
import { at, INTEGRATION, unwatched, withMigrator } from './with-migrator.ts'
import { type Node, withReplicas } from './with-replicas.ts'

const secret = at('token')

const stateOf = async (under: Awaited<ReturnType<typeof withMigrator>>) =>
  (await under.deps.integrations()).find((row) => row.integration === INTEGRATION)?.state

test('enrol waits for every registered replica, a dead one too, and names them', async (t) => {
  const under = await withMigrator(t, { enrolled: false })
  const { replicas, replica } = under.core
  await replicas.join({ id: 'a', name: 'replica-a', lease: 60_000 })
  await replicas.join({ id: 'b', name: 'replica-b', lease: -1 })
  const heard: string[][] = []
  const acknowledge = async (waitingFor: readonly string[]): Promise<void> => {
    heard.push([...waitingFor].sort())
    assert.equal(await stateOf(under), 'enrolling')
    if (waitingFor.includes('r1')) return replica.refresh()
    if (waitingFor.includes('replica-a')) {
      const epoch = (await under.deps.integrations())[0]?.epoch ?? 0
      await replicas.renew({ id: 'a', lease: 60_000, applied: { [INTEGRATION]: epoch } })
      return
    }
    // An operator counts the dead one out.
    await replicas.leave('b')
  }
  let acknowledging = Promise.resolve()
  const row = await enrol(under.deps, INTEGRATION, {
    signal: new AbortController().signal,
    waiting: (what) => {
      if (what.length > 0) acknowledging = acknowledging.then(() => acknowledge(what))
    },
  })
  await acknowledging
  assert.equal(row.state, 'enrolled')
  assert.deepEqual(heard[0], ['r1', 'replica-a', 'replica-b'])
  assert.deepEqual(heard.at(-1), ['replica-b'])
})

test('an enrol that was stopped at the barrier goes on where it was', async (t) => {
  const under = await withMigrator(t, { enrolled: false })
  const stop = new AbortController()
  await assert.rejects(
    enrol(under.deps, INTEGRATION, { signal: stop.signal, waiting: () => stop.abort(new Error('stopped')) }),
  )
  assert.equal(await stateOf(under), 'enrolling')
  await under.core.replica.refresh()
  assert.equal((await enrol(under.deps, INTEGRATION, unwatched())).state, 'enrolled')
})

test('enrolling twice at once, and again afterwards, enrols once', async (t) => {
  const under = await withMigrator(t, { enrolled: false })
  const watch = { signal: new AbortController().signal, waiting: () => void under.core.replica.refresh() }
  const [a, b] = await Promise.all([enrol(under.deps, INTEGRATION, watch), enrol(under.deps, INTEGRATION, watch)])
  assert.deepEqual([a.state, b.state], ['enrolled', 'enrolled'])
  assert.equal((await enrol(under.deps, INTEGRATION, watch)).epoch, a.epoch)
})

test('an integration that is on its way out of the ledger is not enrolled', async (t) => {
  const under = await withMigrator(t)
  await under.core.stages.transition(INTEGRATION, 'finalizing')
  await assert.rejects(enrol(under.deps, INTEGRATION, unwatched()), { code: 'stage-refused' })
  assert.equal(await stateOf(under), 'finalizing')
})

for (const { what, act, holds } of [
  { what: 'deletes', act: (node: Node) => node.remove(secret), holds: null },
  { what: 'writes', act: (node: Node) => node.write(secret, 'later'), holds: 'later' },
]) {
  test(`a replica that does not track yet ${what} after a tracked write: the row does not believe what it knew`, async (t) => {
    const under = await withReplicas(t, 2, { enrolled: false })
    const [early, late] = [under.node(0), under.node(1)]
    await under.core.stages.transition(INTEGRATION, 'enrolling')
    await early.refresh()
    await early.write(secret, 'first')
    await early.flush()
    assert.deepEqual([early.state(), late.state()], ['enrolling', 'bare'])
    await act(late)
    const { outcome, message } = await under.run('migrate')
    assert.deepEqual([outcome, message], ['done', null])
    assert.equal((await under.deps.counts(INTEGRATION)).quarantined, 0)
    assert.deepEqual(await under.held(secret), { legacy: holds, new: holds })
  })
}

test('a tracked write that began beside untracked ones and ends after enrolled teaches the row nothing', async (t) => {
  const { core } = await withMigrator(t, { enrolled: false })
  const { ledger, stages } = core
  await stages.transition(INTEGRATION, 'enrolling')
  const op = 'began-early'
  const begun = await ledger.begin({
    ...{ op, address: secret, kind: 'put', fingerprint: 'x', expect: null, needsQuiet: false, lease: 60_000 },
    plan: { first: 'legacy', second: null },
  })
  assert.equal(begun.kind, 'begun')
  await stages.transition(INTEGRATION, 'enrolled')
  await ledger.finish({ op, address: secret, outcome: 'debt', versions: {}, knownSeq: null })
  const { row } = await ledger.ask(secret)
  assert.deepEqual([row?.fresh, row?.current], ['legacy', null])
})
