import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backfill, takeInventory } from './whole-stages.ts'
import { at, INTEGRATION, names, secretOf, skippingClock, unwatched, withMigrator } from './with-migrator.ts'

const inventoried = async (under: Awaited<ReturnType<typeof withMigrator>>) =>
  (await under.deps.integrations()).find((row) => row.integration === INTEGRATION)?.inventoried

test('names of both sides become rows, and what new lists is not blank', async (t) => {
  const under = await withMigrator(t, { page: 2 })
  await under.seed([at('a'), at('b'), at('both')])
  for (const name of ['both', 'only-new']) await under.plant('new', at(name), secretOf('x'))
  const result = await takeInventory(under.deps, INTEGRATION, unwatched())
  assert.deepEqual(result, { kind: 'done', names: 5, made: 4 })
  assert.deepEqual(
    (await under.rows()).map((row) => [row.name, row.fresh, row.blank]),
    [
      ['a', 'legacy', true],
      ['b', 'legacy', true],
      ['both', 'legacy', false],
      ['only-new', 'legacy', false],
    ],
  )
  assert.equal(await inventoried(under), true)
})

test('a kill at any step of the inventory and a resume lose nothing and make nothing twice', async (t) => {
  const under = await withMigrator(t, { page: 2 })
  const { stages } = under.core
  const expected = names(7).map((address) => address.name)
  // Steps: each listing, and each record before and after its commit. One integration a kill.
  for (let kill = 0; ; kill += 1) {
    const integration = `kill-${kill}`
    await stages.transition(integration, 'enrolling')
    await stages.transition(integration, 'enrolled')
    await under.seed(names(5).map((address) => ({ ...address, integration })))
    for (const address of names(7).slice(5)) await under.plant('new', { ...address, integration }, secretOf('x'))
    let steps = 0
    let made = 0
    const step = () => {
      if (steps++ === kill) throw new Error('killed')
    }
    const inventory: typeof under.deps.inventory = {
      ...under.deps.inventory,
      record: async (...args) => {
        step()
        made += await under.deps.inventory.record(...args)
        step()
        return 0
      },
      mark: async (name) => {
        step()
        await under.deps.inventory.mark(name)
        step()
      },
    }
    let killed = false
    await takeInventory({ ...under.deps, inventory }, integration, unwatched()).catch((error: Error) => {
      assert.equal(error.message, 'killed')
      killed = true
    })
    await takeInventory({ ...under.deps, inventory }, integration, unwatched())
    const rows = await under.database.query<{ name: string }>(
      null,
      'select name from crossfade.secret where integration = $1 order by name',
      [integration],
    )
    assert.deepEqual(
      rows.map((row) => row.name),
      expected,
      `killed at step ${kill}`,
    )
    assert.equal(made, expected.length, `killed at step ${kill}`)
    if (!killed) {
      assert.ok(kill > 8, `only ${kill} steps were tried`)
      return
    }
  }
})

test('a listing that fails is tried again, then the inventory ends partial and takes nothing away', async (t) => {
  const under = await withMigrator(t, { page: 2, clock: skippingClock() })
  await under.seed(names(6))
  let failing = true
  let asked = 0
  under.stores.legacy.gate('scan', (real, integration, page, call) => {
    if (page.after === null || !failing) return real(integration, page, call)
    asked += 1
    return Promise.resolve({ kind: 'error', reason: 'unavailable' })
  })
  const partial = await takeInventory(under.deps, INTEGRATION, unwatched())
  assert.deepEqual(partial, { kind: 'partial', side: 'legacy', reason: 'unavailable' })
  assert.ok(asked > 3, `asked ${asked} times`)
  assert.equal((await under.rows()).length, 2)
  assert.equal(await inventoried(under), false)
  failing = false
  const rest = await takeInventory(under.deps, INTEGRATION, unwatched())
  assert.deepEqual(rest, { kind: 'done', names: 4, made: 4 })
})

test('names that a shrinking listing no longer has keep their rows, and no delete is made of it', async (t) => {
  const under = await withMigrator(t, { page: 2 })
  await under.seed(names(6))
  const [first] = names(6)
  await under.plant('new', first ?? at('none'), secretOf('value of key-0000'))
  const shrink = new AbortController()
  under.stores.legacy.gate('scan', async (real, integration, page, call) => {
    const outcome = await real(integration, page, call)
    if (page.after !== null) shrink.abort(new Error('killed'))
    return outcome
  })
  await assert.rejects(takeInventory(under.deps, INTEGRATION, unwatched(shrink.signal)))
  under.stores.legacy.gate('scan', () => Promise.resolve({ kind: 'page', entries: [], next: null }))
  const before = await under.rows()
  assert.equal((await takeInventory(under.deps, INTEGRATION, unwatched())).kind, 'done')
  assert.deepEqual(
    (await under.rows()).map((row) => row.name),
    before.map((row) => row.name),
  )
  await under.plant('legacy', first ?? at('none'), null)
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  assert.equal((await under.held(first ?? at('none'))).new, 'value of key-0000')
})

test('a page that does not lead on ends the scan instead of a loop', async (t) => {
  const under = await withMigrator(t, { page: 2 })
  await under.seed(names(6))
  under.stores.legacy.gate('scan', async (real, integration, page, call) => {
    const outcome = await real(integration, page, call)
    return outcome.kind === 'page' && page.after !== null ? { ...outcome, next: page.after } : outcome
  })
  const result = await takeInventory(under.deps, INTEGRATION, unwatched())
  assert.deepEqual(result, { kind: 'partial', side: 'legacy', reason: 'protocol' })
})

test('names that the edge could not address are recorded, quarantined and never copied', async (t) => {
  const addressable = ({ name }: { name: string }) => !name.includes('..') && !name.includes('\0')
  const under = await withMigrator(t, { addressable })
  await under.seed([at('good'), at('../up'), at('nul\0here'), at('half \ud800 pair')])
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  assert.deepEqual(
    (await under.rows()).map((row) => [row.name, row.quarantine, row.fresh]),
    [
      ['../up', 'not-addressable', 'legacy'],
      ['good', null, 'both'],
      ['half \ufffd pair', 'not-addressable', 'legacy'],
      ['nul\\0here', 'not-addressable', 'legacy'],
    ],
  )
  assert.equal((await under.held(at('../up'))).new, null)
})

test('a write and a delete that land between a listing and its record are not undone by it', async (t) => {
  const under = await withMigrator(t)
  await under.seed([at('written'), at('deleted'), at('quiet')])
  under.stores.legacy.gate('scan', async (real, ...args) => {
    const outcome = await real(...args)
    await under.core.secrets.write(at('written'), secretOf('second'), { kind: 'none' })
    await under.core.secrets.remove(at('deleted'), { kind: 'none' })
    await under.core.lazy.flush()
    return outcome
  })
  await takeInventory(under.deps, INTEGRATION, unwatched())
  assert.deepEqual(
    (await under.rows()).map((row) => [row.name, row.version]),
    [
      ['deleted', '1'],
      ['quiet', '0'],
      ['written', '1'],
    ],
  )
  await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())
  assert.deepEqual(await under.held(at('deleted')), { legacy: null, new: null })
  assert.deepEqual(await under.held(at('written')), { legacy: 'second', new: 'second' })
})

test('an integration that is not enrolled gets no rows', async (t) => {
  const under = await withMigrator(t, { enrolled: false })
  await under.seed(names(3))
  await assert.rejects(takeInventory(under.deps, INTEGRATION, unwatched()), { code: 'stage-refused' })
  assert.equal((await under.rows()).length, 0)
})

test('an integration that left the ledger and came back is not taken for inventoried by a replica', async (t) => {
  const under = await withMigrator(t)
  const { replica, stages } = under.core
  await under.seed(names(2))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await replica.refresh()
  assert.equal(replica.inventoried(INTEGRATION), true)
  await backfill(under.deps, { integration: INTEGRATION, source: null }, unwatched())
  for (const state of ['abandoning', 'legacy-only', 'bare', 'enrolling', 'enrolled'] as const) {
    await stages.transition(INTEGRATION, state)
    await replica.refresh()
  }
  assert.equal(replica.inventoried(INTEGRATION), false)
})
