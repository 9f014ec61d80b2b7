import assert from 'node:assert/strict'
import { test } from 'node:test'
import { privateRedis } from '../ledger/private-redis.ts'
import { needs } from '../support/parts.ts'
import { startProcess } from './processes.ts'
import { INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const redis = needs('redis-server')
const ledger = ledgerServer()
const CUSTOMER = 'acme'
const SECRETS = 60

test('a run on its way takes a new pace up at once, another process within a second, and both say what holds it', {
  skip: redis.skip,
  timeout: 240_000,
}, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: (await privateRedis(t, redis.path)).url })
  const a = await startProcess(t, system, 'a', 'off')
  const b = await startProcess(t, system, 'b', 'off')
  const plain = { contentType: null, metadata: {} }
  for (let n = 0; n < SECRETS; n += 1)
    await a.secrets.put({ integration: INTEGRATION, customer: CUSTOMER, name: `key-${n}` }, Buffer.from('v'), plain)

  // At one in ten seconds it would take ten minutes.
  await a.ops.call('setPace', { body: { selector: INTEGRATION, rate: 0.1, reason: 'test' } })
  await a.ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
  const paceOf = async (of: typeof a) => (await of.ops.call('pace', { query: { selector: INTEGRATION } })).paces[0]
  while ((await paceOf(a))?.now?.throttled_by !== 'the rate that was asked for');
  while ((await paceOf(b))?.rate !== 0.1);
  const runOf = async () => (await a.ops.call('progress', { params: { integration: INTEGRATION } })).run
  assert.equal((await runOf())?.ended_at, null)

  const [set] = (await b.ops.call('setPace', { body: { selector: INTEGRATION, rate: 'none' } })).paces
  assert.deepEqual([set?.rate, set?.adaptive], [null, true])
  while ((await runOf())?.ended_at === null);
  assert.equal((await runOf())?.outcome, 'done')
})
