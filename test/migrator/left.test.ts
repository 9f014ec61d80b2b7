import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LeaveKind } from '../../migrator/stages.ts'
import { at, INTEGRATION, names } from './with-migrator.ts'
import { type WithReplicas, withReplicas } from './with-replicas.ts'

const A = at('a')
const WAYS = [
  { kind: 'finalize', phase: 'complete', end: 'finalized' },
  { kind: 'abandon', phase: 'off', end: 'bare' },
] as const

/** Ends a run as a kill would, after the last change of state. */
async function killedBefore(under: WithReplicas, kind: LeaveKind, step: 'complete' | 'purge') {
  const kill = new AbortController()
  const killed = under.run(kind, {
    signal: kill.signal,
    after: async (now) => {
      if (now !== step) return
      kill.abort(new Error('killed'))
      throw kill.signal.reason
    },
  })
  await assert.rejects(killed, () => kill.signal.aborted)
}

for (const { kind, phase, end } of WAYS) {
  const event = kind === 'finalize' ? 'finalized' : 'abandoned'

  test(`no client waits for the report of ${kind}, nor for the rows to be dropped`, async (t) => {
    const under = await withReplicas(t)
    await under.seed(names(7))
    await under.migrated()
    under.setPhase(phase)
    const found: unknown[] = []
    const result = await under.run(kind, {
      after: async (step) => {
        await under.refreshAll()
        await under.node(0).write(A, `before ${step}`)
        found.push([await under.state(), (await under.rows()).length, await under.node(1).read(A)])
      },
    })
    assert.equal(result.outcome, 'done')
    assert.deepEqual(found, [
      [end, 7, 'before complete'],
      [end, 7, 'before purge'],
    ])
    assert.deepEqual(await under.rows(), [])
  })

  for (const step of ['complete', 'purge'] as const) {
    test(`${kind} that is killed before ${step} is taken up: one report of all the rows, which are then gone`, async (t) => {
      const under = await withReplicas(t)
      await under.seed(names(5))
      await under.migrated()
      under.setPhase(phase)
      await killedBefore(under, kind, step)
      assert.deepEqual([await under.state(), (await under.rows()).length], [end, 5])
      await under.refreshAll()
      await under.node(1).write(A, 'between')
      const { outcome, report } = await under.run(kind)
      assert.deepEqual([outcome, report?.['secrets'], report?.['to']], ['done', 5, end])
      assert.deepEqual([await under.rows(), (await under.events(event)).length], [[], 1])
      assert.equal(await under.node(2).read(A), 'between')
    })
  }
}

test('an integration that is enrolled again before its rows were dropped begins with none', async (t) => {
  const under = await withReplicas(t)
  await under.seed(names(3))
  await under.migrated()
  under.setPhase('off')
  await killedBefore(under, 'abandon', 'complete')
  assert.equal((await under.rows()).length, 3)
  await under.core.stages.transition(INTEGRATION, 'enrolling')
  assert.deepEqual(await under.rows(), [])
  await under.refreshAll()
  await under.node(0).write(A, 'tracked')
  await under.core.stages.purge(INTEGRATION, t.signal)
  assert.equal((await under.rows()).length, 1, 'what is enrolled now is not purged')
  assert.deepEqual(await under.events('abandoned'), [])
})
