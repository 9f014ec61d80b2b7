import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INTEGRATION, ledgerServer } from './replicas.ts'
import { endOfRun, withWorkers } from './with-workers.ts'

const ledger = ledgerServer()

test('SIGKILL of the worker that has the run, in inventory, backfill and verify: another goes on, and nothing is lost', {
  timeout: 120_000,
}, async (t) => {
  const under = await withWorkers(t, await ledger(), 'off')
  const { start, kill, hold, holderIn, ledgerSection, newStore } = under
  let ops = (await start('w1')).ops
  await start('w2')
  let release = await hold(ledgerSection, 'crossfade.checkpoint', 'access exclusive')
  await ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
  const next = {
    inventory: () => hold(newStore, 'sealed.version', 'exclusive'),
    backfill: () => hold(ledgerSection, 'crossfade.mismatch', 'exclusive'),
    verify: async () => async () => undefined,
  }
  for (const [i, stage] of (['inventory', 'backfill', 'verify'] as const).entries()) {
    await kill(await holderIn(stage))
    const holdNext = await next[stage]()
    ops = (await start(`w${i + 3}`)).ops
    await release()
    release = holdNext
  }
  const run = await endOfRun(ops)
  assert.equal(run?.outcome, 'done', run?.message ?? 'no run')
  const { discovered, copied, verified, left } = run?.counts ?? {}
  assert.ok((discovered ?? 0) >= 20)
  assert.deepEqual([copied, verified, left], [discovered, discovered, 0])
  const alive = async () => (await ops.call('workers', {})).workers
  let workers = await alive()
  while (workers.length !== 2) workers = await alive()
  assert.deepEqual([...new Set(workers.map(({ kind, state }) => `${kind} ${state}`))], ['worker live'])
})
