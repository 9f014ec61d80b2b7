import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enrol } from '../../migrator/enrol.ts'
import { INTEGRATION, unwatched, withMigrator } from './with-migrator.ts'

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
