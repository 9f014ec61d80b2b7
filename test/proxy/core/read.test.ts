import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECRET, secretOf, withCore } from './with-core.ts'

const none = { kind: 'none' } as const

test('a read in the steady state does not ask the ledger', async (t) => {
  const core = await withCore(t)
  core.setPhase('live')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.lazy.flush()
  await core.secrets.read(SECRET)
  assert.deepEqual(
    core.events.filter((event) => event.kind === 'ask'),
    [],
  )
})

test('a secret that new owes is read from legacy in a phase that reads new, and says so', async (t) => {
  const core = await withCore(t)
  core.setPhase('dualwrite')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.lazy.flush()
  core.stores.new.troubleWrites('refused')
  await core.secrets.write(SECRET, secretOf('v2'), none)
  core.setPhase('live')
  const read = await core.secrets.read(SECRET)
  assert.deepEqual(read.served, { by: 'legacy', phase: 'live', fallback: 'debt', unproven: false })
})

test('a never copied secret is found on legacy in a phase that reads new', async (t) => {
  const core = await withCore(t)
  await core.stores.legacy.put(SECRET, secretOf('old'), { kind: 'any' }, { deadline: Number.POSITIVE_INFINITY })
  assert.equal(await core.served('complete'), 'old')
})

test('before the inventory mark a value that new happens to hold is not served', async (t) => {
  const core = await withCore(t, { inventoried: false })
  const call = { deadline: Number.POSITIVE_INFINITY }
  await core.stores.new.put(SECRET, secretOf('foreign'), { kind: 'any' }, call)
  await core.stores.legacy.put(SECRET, secretOf('ours'), { kind: 'any' }, call)
  assert.equal(await core.served('live'), 'ours')
})

test('a copy that lands between "not found" and the answer is found', async (t) => {
  const core = await withCore(t)
  core.setPhase('off')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  let reads = 0
  core.stores.new.beforeRead(async () => {
    reads += 1
  })
  // The read of new finds nothing; the copy lands before the ledger is asked; new is then read again.
  const ask = core.ledger.ask
  const ledger = {
    ...core.ledger,
    ask: async (address: typeof SECRET) => {
      core.stores.new.beforeRead(null)
      await core.settleAll()
      return ask(address)
    },
  }
  Object.assign(core.deps, { ledger })
  core.memory.forget()
  assert.equal(await core.served('complete'), 'v1')
  assert.equal(reads, 1)
})

test('a read falls back on an error only to a side that is proven fresh', async (t) => {
  const core = await withCore(t)
  core.setPhase('dualwrite')
  await core.secrets.write(SECRET, secretOf('v1'), none)
  await core.lazy.flush()
  core.setPhase('live')
  core.stores.new.troubleReads(true)
  const read = await core.secrets.read(SECRET)
  assert.equal(read.served.fallback, 'error')
  core.stores.new.troubleReads(false)
  core.stores.legacy.troubleWrites('refused')
  await core.secrets.write(SECRET, secretOf('v2'), none)
  core.stores.new.troubleReads(true)
  await assert.rejects(core.secrets.read(SECRET), { code: 'store-unavailable' })
})

test('with the ledger down and the memory not to be trusted a read is refused, or served and marked', async (t) => {
  for (const whenLedgerDown of ['proven', 'unproven'] as const) {
    const core = await withCore(t, { whenLedgerDown })
    core.setPhase('dualwrite')
    await core.secrets.write(SECRET, secretOf('v1'), none)
    await core.lazy.flush()
    const replica = { ...core.replica, trusted: () => false }
    const ledger = { ...core.ledger, ask: () => core.database.query<never>(null, 'select no_such_thing', []) as never }
    Object.assign(core.deps, { replica, ledger })
    if (whenLedgerDown === 'proven') await assert.rejects(core.secrets.read(SECRET), { code: 'freshness-unproven' })
    else assert.equal((await core.secrets.read(SECRET)).served.unproven, true)
  }
})
