import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../../backends/secret.ts'
import type { Phase } from '../../flags/phase.ts'
import { enrolAll, INTEGRATION, ledgerServer, makeSystem, type Replica } from './replicas.ts'

const ledger = ledgerServer()
const limits = { timeout: 120_000 }

const PILOTS = Array.from({ length: 7 }, (_, i) => `eu-${i}`)
const OTHERS = Array.from({ length: 30 }, (_, i) => `us-${i}`)
const secretOf = (customer: string): Address => ({ integration: INTEGRATION, customer, name: 'key' })

const look = async ({ ops }: Replica) => {
  const [row] = (await ops.call('status', { query: { selector: INTEGRATION } })).integrations
  return row ?? assert.fail('it is configured')
}
const stillNew = async (replica: Replica) => (await look(replica)).still_new?.secrets ?? null

const set = ({ ops }: Replica, phase: Phase, more: { cohort?: string; percent?: number } = {}) =>
  ops.call('setFlags', { body: { selector: INTEGRATION, phase, ...more, reason: 'test', execute: true } })

/** One secret of each customer that only new holds. Nothing settles but what the test asks for. */
async function inComplete(t: Parameters<typeof makeSystem>[0]): Promise<Replica> {
  const replica = await (await makeSystem(t, await ledger(), { redis: null })).start('only', 'complete')
  await enrolAll(replica)
  for (const customer of [...PILOTS, ...OTHERS])
    await replica.secrets.put(secretOf(customer), Buffer.from(customer), { contentType: null, metadata: {} })
  return replica
}

test(
  'a phase that a flag sets back shows what new still answers: exactly, of those it is about, until it is settled',
  limits,
  async (t) => {
    const replica = await inComplete(t)
    assert.equal(await stillNew(replica), null, 'new is read first by everybody')
    await set(replica, 'shadow', { cohort: 'pilot' })
    assert.equal(await stillNew(replica), PILOTS.length)
    await set(replica, 'off')
    assert.deepEqual((await look(replica)).caps, [])
    assert.equal(await stillNew(replica), PILOTS.length + OTHERS.length)

    const { settler } = replica.application.engine
    while ((await settler.round()) > 0);
    assert.deepEqual((await look(replica)).still_new, {
      secrets: 0,
      quarantined: 0,
      until: 'now',
      seconds: 0,
      stores: [],
    })
    for (const customer of [...PILOTS, ...OTHERS]) {
      const read = await replica.secrets.get(secretOf(customer))
      assert.deepEqual([read.served_by, Buffer.from(read.value).toString()], ['legacy', customer])
    }
  },
)

test('of a cohort that a flag sets back in part, those are counted who run the lower phase', limits, async (t) => {
  const replica = await inComplete(t)
  await set(replica, 'off')
  await set(replica, 'complete', { cohort: 'general', percent: 40 })
  const runs = async (customer: string) =>
    (await replica.ops.call('explain', { params: { integration: INTEGRATION, customer } })).effective
  const phases = await Promise.all(OTHERS.map(runs))
  const behind = phases.filter((phase) => phase === 'off').length
  assert.ok(behind > 0 && behind < OTHERS.length)
  assert.equal(await stillNew(replica), PILOTS.length + behind)
})

test(
  'a rollback to a phase that reads new first says nothing of new, and one of a cohort counts that cohort',
  limits,
  async (t) => {
    const replica = await inComplete(t)
    const roll = (to: Phase, cohort?: string) =>
      replica.ops.call('rollback', { body: { selector: INTEGRATION, to, ...(cohort === undefined ? {} : { cohort }) } })
    assert.equal((await roll('rampdown')).still_new, null)
    assert.equal(await stillNew(replica), null)
    assert.equal((await roll('off', 'pilot')).still_new?.secrets, PILOTS.length)
    assert.equal(await stillNew(replica), PILOTS.length)
  },
)
