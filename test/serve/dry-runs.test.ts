import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpsClient } from '../../bin/cli/ops-client.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import { OPS_ROUTES, type OpsName } from '../../proxy/ops/api.ts'
import { BARE, enrolAll, INTEGRATION, ledgerServer, makeSystem, put } from './replicas.ts'

const ledger = ledgerServer()

/** Whatever is changed by time alone: leases, turns, samples of the counts, and what replicas say of themselves. */
const TICKING = new Set(['replica', 'replica_runs', 'progress_turn', 'progress_sample', 'worker'])

/** Every row of every other table of the ledger, as text. */
async function everything(database: Database): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = await database.query<{ name: string }>(
    null,
    "select table_name as name from information_schema.tables where table_schema = 'crossfade' order by 1",
    [],
  )
  const kept = tables.filter(({ name }) => !TICKING.has(name))
  assert.ok(kept.some(({ name }) => name === 'secret'))
  const rows = kept.map(async ({ name }) => {
    // When a gate was looked at last is a turn, too.
    const text = name === 'gate' ? "(to_jsonb(t) - 'looked_at')::text" : 't::text'
    const found = await database.query<{ row: string }>(null, `select ${text} as row from crossfade.${name} t`, [])
    return [name, found.map(({ row }) => row).toSorted()] as const
  })
  return Object.fromEntries(await Promise.all(rows))
}

const selector = INTEGRATION
const integration = INTEGRATION

/** Every route that wants a word before it changes anything: what it is asked without it. */
const DRY: Readonly<Partial<Record<OpsName, (ops: OpsClient) => Promise<unknown>>>> = {
  setFlags: (ops) => ops.call('setFlags', { body: { selector, phase: 'live', reason: 'to see' } }),
  acceptFlags: (ops) => ops.call('acceptFlags', { body: {} }),
  forceGate: (ops) => ops.call('forceGate', { body: { selector, phase: 'live' } }),
  migrate: (ops) => ops.call('migrate', { body: { integration } }),
  verify: (ops) => ops.call('verify', { body: { integration, repair: true } }),
  reverse: (ops) => ops.call('reverse', { body: { integration } }),
  finalize: (ops) => ops.call('finalize', { body: { integration } }),
  abandon: (ops) => ops.call('abandon', { body: { integration } }),
  accept: (ops) => ops.call('accept', { body: { integration } }),
  retry: (ops) => ops.call('retry', { body: { selector } }),
  renameIntegration: (ops) => ops.call('renameIntegration', { body: { integration: BARE, to: 'gitlab' } }),
  changeKeys: (ops) => ops.call('changeKeys', { params: { store: 'vaulted' }, body: { change: 'rotate' } }),
  rewrapKeys: (ops) => ops.call('rewrapKeys', { params: { store: 'vaulted' }, body: {} }),
}
/** Refused as long as the replica lives, executed or not. */
const ELSEWHERE: ReadonlySet<string> = new Set(['forgetReplica'])

test('without execute no route writes anything to the ledger', { timeout: 120_000 }, async (t) => {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const replica = await system.start('only', 'dualwrite')
  await enrolAll(replica)
  await put(replica, 'a', 'one')
  const { engine } = replica.application
  await engine.lazy.flush()
  await engine.gates.follow()
  const wanting = (Object.keys(OPS_ROUTES) as OpsName[]).filter(
    (name) => 'execute' in (OPS_ROUTES[name].body?.shape ?? {}),
  )
  assert.deepEqual(
    wanting.filter((name) => !ELSEWHERE.has(name)).toSorted(),
    Object.keys(DRY).toSorted(),
    'a route with execute is asked here',
  )
  const before = await everything(engine.parts.database)
  for (const [name, ask] of Object.entries(DRY)) {
    await ask(replica.ops)
    assert.deepEqual(await everything(engine.parts.database), before, name)
  }
})
