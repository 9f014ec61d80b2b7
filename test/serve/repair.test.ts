import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY } from '../../backends/store.ts'
import { secretOf } from '../proxy/core/with-core.ts'
import { outcomeOf } from '../support/outcome-of.ts'
import { at, get, INTEGRATION, ledgerServer, makeSystem, put } from './replicas.ts'

const ledger = ledgerServer()

test('verify asked to repair makes a side that was changed behind its back equal again; not asked to, it only tells', {
  timeout: 120_000,
}, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const replica = await system.start('only', 'dualwrite')
  const { engine } = replica.application
  engine.work.worker.start()
  const run = async (what: 'migrate' | 'verify', more: { readonly repair?: boolean } = {}) => {
    await replica.ops.call(what, { body: { integration: INTEGRATION, execute: true, reason: 'test', ...more } })
    return outcomeOf(replica.ops, INTEGRATION)
  }
  assert.equal(await run('migrate'), 'done')
  const address = { ...at('a'), integration: INTEGRATION }
  await put(replica, 'a', 'one')
  await engine.lazy.flush()
  const fresh = engine.stores.pairs(INTEGRATION).stores.new
  const call = { deadline: engine.clock.monotonic() + 60_000 }
  assert.equal((await fresh.put(address, secretOf('past the proxy'), ANY, call)).kind, 'done')
  const held = async (): Promise<string> => {
    const outcome = await fresh.get(address, call)
    return outcome.kind === 'found' ? Buffer.from(outcome.secret.value.open()).toString() : outcome.kind
  }
  assert.deepEqual([await run('verify'), await held()], ['mismatches', 'past the proxy'])
  assert.deepEqual([await run('verify', { repair: true }), await held()], ['done', 'one'])
  assert.equal((await get(replica, 'a')).value, 'one')
})
