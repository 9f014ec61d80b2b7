import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ScanOutcome } from '../../backends/store.ts'
import { PHASES } from '../../flags/phase.ts'
import { otherwise } from '../support/answers.ts'
import { backfill, takeInventory, verify } from './whole-stages.ts'
import { at, INTEGRATION, names, secretOf, unwatched, withMigrator } from './with-migrator.ts'

const forward = { integration: INTEGRATION, source: 'legacy' } as const
const none = { kind: 'none' } as const
const EMPTY: ScanOutcome = { kind: 'page', entries: [], next: null }

async function seeded(t: TestContext, count: number) {
  const under = await withMigrator(t, { page: 2 })
  await under.seed(names(count))
  return under
}

type Under = Awaited<ReturnType<typeof seeded>>

const everythingIsThere = async (under: Under, count: number): Promise<void> => {
  for (const address of names(count)) {
    const value = `value of ${address.name}`
    assert.deepEqual(await under.held(address), { legacy: value, new: value })
    for (const phase of PHASES) assert.equal(await under.core.served(phase, address), value, phase)
  }
}

test('stores that list nothing any more lose nothing: no stage takes an absence from a list for a delete', async (t) => {
  const under = await seeded(t, 5)
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await backfill(under.deps, forward, unwatched())
  for (const store of [under.stores.legacy, under.stores.new]) store.gate('scan', async () => EMPTY)
  const result = await verify(under.deps, INTEGRATION, unwatched(), { repair: true })
  assert.deepEqual([result.kind, result.equal], ['done', 5])
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await backfill(under.deps, forward, unwatched())
  await everythingIsThere(under, 5)
  const { discovered, tombstones, left } = await under.deps.counts(INTEGRATION)
  assert.deepEqual({ discovered, tombstones, left }, { discovered: 5, tombstones: 0, left: 0 })
})

test('an inventory of an empty list finds what is written later, and deletes nothing', async (t) => {
  const under = await seeded(t, 3)
  under.stores.legacy.gate('scan', async () => EMPTY)
  await takeInventory(under.deps, INTEGRATION, unwatched())
  under.stores.legacy.gate('scan', null)
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.equal(result.mismatches.out_of_band, 3, 'names that no inventory saw are told')
  for (const address of names(3)) assert.equal(await under.core.served('live', address), `value of ${address.name}`)
  await backfill(under.deps, forward, unwatched())
  await everythingIsThere(under, 3)
})

test('names that come behind the scan while it runs are found by verify, served all the while, and copied', async (t) => {
  const under = await seeded(t, 6)
  const early = at('a-name-before-all-others', 'customer-0')
  let pages = 0
  under.stores.legacy.gate('scan', async (real, ...asked) => {
    const page = await real(...asked)
    pages += 1
    if (pages === 2) await under.plant('legacy', early, secretOf('came late'))
    return page
  })
  await takeInventory(under.deps, INTEGRATION, unwatched())
  assert.ok(pages > 2)
  assert.equal(
    (await under.rows()).some(({ name }) => name === early.name),
    false,
    'the scan was past it',
  )
  await backfill(under.deps, forward, unwatched())
  for (const phase of PHASES) assert.equal(await under.core.served(phase, early), 'came late', phase)
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.equal(result.mismatches.out_of_band, 1)
  await backfill(under.deps, forward, unwatched())
  assert.deepEqual(await under.held(early), { legacy: 'came late', new: 'came late' })
  await everythingIsThere(under, 6)
})

test('names that go while the scan runs are not copied, not deleted on new, and put aside', async (t) => {
  const under = await seeded(t, 4)
  const [gone] = names(1)
  assert.ok(gone)
  await takeInventory(under.deps, INTEGRATION, unwatched())
  await under.plant('legacy', gone, null)
  await under.plant('new', gone, secretOf('of somebody else'))
  await backfill(under.deps, forward, unwatched())
  assert.deepEqual(await under.held(gone), { legacy: null, new: 'of somebody else' })
  const { copied, quarantined, tombstones } = await under.deps.counts(INTEGRATION)
  assert.deepEqual({ copied, quarantined, tombstones }, { copied: 3, quarantined: 1, tombstones: 0 })
})

test('a store that answers with the bytes of another secret is not copied from, once the row knows its value', async (t) => {
  const under = await seeded(t, 1)
  await takeInventory(under.deps, INTEGRATION, unwatched())
  under.core.setPhase('off')
  await under.core.secrets.write(at('mine'), secretOf('mine'), none)
  await under.core.secrets.write(at('other'), secretOf('of the other one'), none)
  await under.core.lazy.flush()
  under.stores.legacy.gate('getMany', async (real, addresses, call) => {
    const wrong = (await real([at('other')], call)).of(at('other'))
    return otherwise(addresses, await real(addresses, call), (outcome, { name }) => (name === 'mine' ? wrong : outcome))
  })
  await backfill(under.deps, forward, unwatched())
  assert.deepEqual(await under.held(at('mine')), { legacy: 'mine', new: null })
  assert.equal((await under.rows()).find(({ name }) => name === 'mine')?.quarantine, 'out_of_band')
  assert.equal((await under.deps.counts(INTEGRATION)).copied, 2)
})

test('wrong bytes of a secret whose value nobody knew are found by the verify that follows, and that gate stays shut', async (t) => {
  const under = await seeded(t, 3)
  const [victim] = names(1)
  assert.ok(victim)
  await takeInventory(under.deps, INTEGRATION, unwatched())
  under.stores.legacy.gate('getMany', async (real, addresses, call) => {
    return otherwise(addresses, await real(addresses, call), (outcome, { name }) => {
      const isVictim = name === victim.name
      return isVictim && outcome.kind === 'found' ? { ...outcome, secret: secretOf('garbage') } : outcome
    })
  })
  await backfill(under.deps, forward, unwatched())
  under.stores.legacy.gate('getMany', null)
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.deepEqual([result.mismatches.value, result.equal], [1, 2])
  const { verified, mismatched } = await under.deps.counts(INTEGRATION)
  assert.deepEqual({ verified, mismatched }, { verified: 2, mismatched: 1 })
})
