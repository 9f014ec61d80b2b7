import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrate } from '../../migrator/migrate.ts'
import { otherwise } from '../support/answers.ts'
import { verify } from './whole-stages.ts'
import { at, INTEGRATION, secretOf, unwatched, withMigrator } from './with-migrator.ts'

const none = { kind: 'none' } as const
type TestContext = Parameters<typeof withMigrator>[0]

async function migrated(t: TestContext, names: readonly string[]) {
  const under = await withMigrator(t)
  await under.seed(names.map((name) => at(name)))
  await migrate(under.deps, { integration: INTEGRATION, kind: 'migrate' }, { ...unwatched(), emit: () => {} })
  return under
}

test('a repair makes the side that differs from what the row knows equal to the one that does not', async (t) => {
  const under = await migrated(t, ['new-wrong', 'legacy-wrong', 'new-lost', 'legacy-lost', 'both-wrong', 'fine'])
  under.core.setPhase('dualwrite')
  await under.core.secrets.write(at('legacy-wrong'), secretOf('value of legacy-wrong'), none)
  await under.core.lazy.flush()
  await under.plant('new', at('new-wrong'), secretOf('x'))
  await under.plant('legacy', at('legacy-wrong'), secretOf('x'))
  await under.plant('new', at('new-lost'), null)
  await under.plant('legacy', at('legacy-lost'), null)
  await under.plant('legacy', at('both-wrong'), secretOf('x'))
  await under.plant('new', at('both-wrong'), secretOf('y'))
  const result = await verify(under.deps, INTEGRATION, unwatched(), { repair: true })
  assert.equal(result.repaired, 4)
  for (const name of ['new-wrong', 'legacy-wrong', 'new-lost', 'legacy-lost', 'fine']) {
    assert.deepEqual(await under.held(at(name)), { legacy: `value of ${name}`, new: `value of ${name}` }, name)
  }
  assert.deepEqual(await under.held(at('both-wrong')), { legacy: 'x', new: 'y' })
  const next = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([next.equal, next.mismatches.value], [5, 1])
  assert.deepEqual(
    (await under.mismatches.list(INTEGRATION, true, 10)).map((m) => m.name),
    ['both-wrong'],
  )
})

test('a repair never puts what was only ever copied over its source: it may be the copy that was read wrong', async (t) => {
  const under = await withMigrator(t)
  await under.seed([at('misread')])
  under.stores.legacy.gate('getMany', async (real, addresses, call) => {
    under.stores.legacy.gate('getMany', null)
    return otherwise(addresses, await real(addresses, call), (outcome) =>
      outcome.kind === 'found' ? { ...outcome, secret: secretOf('misread') } : outcome,
    )
  })
  const options = { ...unwatched(), emit: () => {} }
  const copied = await migrate(under.deps, { integration: INTEGRATION, kind: 'migrate' }, options)
  assert.equal(copied.outcome, 'mismatches')
  const result = await verify(under.deps, INTEGRATION, unwatched(), { repair: true })
  assert.deepEqual([result.mismatches.value, result.repaired], [1, 0])
  assert.equal((await under.held(at('misread'))).legacy, 'value of misread')
})

test('a repair takes a deleted secret that came back away again', async (t) => {
  const under = await migrated(t, ['gone', 'other'])
  under.core.setPhase('dualwrite')
  await under.core.secrets.remove(at('gone'), none)
  await under.core.lazy.flush()
  await under.plant('new', at('gone'), secretOf('back again'))
  const result = await verify(under.deps, INTEGRATION, unwatched(), { repair: true })
  assert.deepEqual([result.mismatches.extra_in_new, result.repaired], [1, 1])
  assert.deepEqual(await under.held(at('gone')), { legacy: null, new: null })
})

test('a write that comes before the repair wins, and nothing is repaired', async (t) => {
  const under = await migrated(t, ['raced'])
  await under.plant('new', at('raced'), secretOf('wrong'))
  under.core.setPhase('dualwrite')
  const verification = {
    ...under.deps.verification,
    reopen: async (...args: Parameters<typeof under.deps.verification.reopen>) => {
      await under.core.secrets.write(at('raced'), secretOf('written'), none)
      return under.deps.verification.reopen(...args)
    },
  }
  const result = await verify({ ...under.deps, verification }, INTEGRATION, unwatched(), { repair: true })
  assert.deepEqual([result.mismatches.value, result.repaired], [1, 0])
  await under.core.lazy.flush()
  assert.deepEqual(await under.held(at('raced')), { legacy: 'written', new: 'written' })
})
