import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planLeave } from '../../migrator/leave-plan.ts'
import { at, INTEGRATION, names, secretOf } from './with-migrator.ts'
import { none, withReplicas } from './with-replicas.ts'

const A = at('a')

test('without the whole proof nothing begins, and the plan names what is missing and what to do', async (t) => {
  const under = await withReplicas(t)
  await under.seed(names(3))
  const [first = A, second = A, third = A] = names(3)
  const deps = {
    ...under.deps,
    phases: () => [],
    outlook: () => [
      {
        integration: INTEGRATION,
        cohort: 'pilot',
        asks: [{ phase: 'complete' as const, percent: 40, some: false }],
        requested: 'complete' as const,
        cap: null,
        pin: null,
        runs: 'complete' as const,
      },
    ],
  }
  const plan = () => planLeave(deps, INTEGRATION, 'finalize')
  const cohorts = 'not everybody is asked for and runs complete: pilot'
  assert.deepEqual((await plan()).missing, ['no inventory was taken', cohorts])
  await under.migrated()
  // Changed and not verified; on legacy alone; quarantined; a mismatch.
  under.setPhase('dualwrite')
  await under.node(0).write(first, 'changed')
  under.core.stores.new.troubleWrites('refused')
  await under.node(0).write(second, 'owed')
  under.core.stores.new.troubleWrites(null)
  await under.flushAll()
  await under.plant('legacy', A, secretOf('out of band'))
  const mismatch = { ...third, source: 'verify', class: 'value', legacyVersion: null, newVersion: null } as const
  await under.mismatches.record({ ...mismatch, legacyFingerprint: 'x', newFingerprint: 'y' })
  const made = await plan()
  assert.deepEqual(made.missing, [
    cohorts,
    '1 secrets are on legacy alone, or newer there',
    '1 secrets were not verified since their last change',
    '1 mismatches are open',
  ])
  assert.deepEqual(made.next, [
    `crossfade flags set ${INTEGRATION} complete --execute --reason "..."`,
    `crossfade migrate ${INTEGRATION} --execute --reason "..."`,
    `crossfade verify ${INTEGRATION} --execute --reason "..."`,
    `crossfade mismatches ${INTEGRATION}`,
  ])
  assert.match(made.risks.join('\n'), /no way back/)
  const refused = under.run('finalize')
  await assert.rejects(refused, { code: 'proof-missing', status: 409 })
  assert.equal(await under.state(), 'enrolled')
})

test('what only new holds is read there once more: another value, or none, is no proof', async (t) => {
  for (const found of [secretOf('somebody else'), null]) {
    const under = await withReplicas(t, 1)
    await under.migrated()
    under.setPhase('complete')
    await under.node(0).write(A, 'v1')
    await under.flushAll()
    await under.plant('new', A, found)
    await assert.rejects(under.run('finalize'), {
      code: 'proof-missing',
      detail: '1 secrets on new are not what the ledger knows',
    })
    assert.equal(await under.state(), 'enrolled')
    await under.plant('new', A, secretOf('v1'))
    assert.equal((await under.run('finalize')).outcome, 'done')
  }
})

test('the client of a deleted secret that is made again in complete finds it at the end', async (t) => {
  const under = await withReplicas(t, 2)
  await under.seed([A])
  await under.migrated()
  under.setPhase('complete')
  await under.node(0).remove(A)
  await under.flushAll()
  await under.core.settleAll()
  await under.node(1).write(A, 'made again')
  await under.flushAll()
  const result = await under.run('finalize')
  assert.deepEqual([result.report?.['secrets'], result.report?.['tombstones']], [1, 0])
  await under.refreshAll()
  for (const node of under.nodes) assert.equal(await node.read(A), 'made again')
})

test('a store that is away leaves the run partial, to be taken up again', async (t) => {
  const under = await withReplicas(t, 1, { patience: '60ms' })
  await under.migrated()
  under.setPhase('complete')
  await under.core.secrets.write(A, secretOf('v1'), none)
  await under.core.lazy.flush()
  under.setPhase('complete')
  await under.node(0).write(A, 'v2')
  await under.flushAll()
  under.core.stores.new.troubleReads(true)
  const first = await under.run('finalize')
  assert.deepEqual([first.outcome, first.message], ['partial', 'the new store did not answer'])
  under.core.stores.new.troubleReads(false)
  assert.equal((await under.run('finalize')).outcome, 'done')
})
