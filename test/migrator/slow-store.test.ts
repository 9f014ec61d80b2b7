import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIDES } from '../../core/side.ts'
import { backfill } from '../../migrator/backfill.ts'
import { takeInventory } from '../../migrator/inventory.ts'
import { verify } from '../../migrator/verify.ts'
import { always } from '../support/answers.ts'
import { INTEGRATION, names, skippingClock, unwatched, withMigrator } from './with-migrator.ts'

const TIMEOUT = { kind: 'error', reason: 'timeout' } as const

test('a store that never lists or reads so many within the deadline is asked for fewer, and everything is verified', async (t) => {
  const under = await withMigrator(t, { page: 40, batch: 40, clock: skippingClock() })
  await under.seed(names(40))
  const most = { scan: 5, getMany: 3 }
  const asked = { scan: 0, getMany: 0 }
  for (const side of SIDES) {
    under.stores[side].gate('scan', async (real, integration, page, call) => {
      asked.scan = Math.max(asked.scan, page.limit)
      return page.limit > most.scan ? TIMEOUT : real(integration, page, call)
    })
  }
  assert.deepEqual(await takeInventory(under.deps, INTEGRATION, unwatched()), { kind: 'done', names: 40, made: 40 })
  assert.equal((await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())).kind, 'done')
  for (const side of SIDES) {
    under.stores[side].gate('getMany', async (real, addresses, call) => {
      asked.getMany = Math.max(asked.getMany, addresses.length)
      return addresses.length > most.getMany ? always(addresses, { ...TIMEOUT, passing: true }) : real(addresses, call)
    })
  }
  const result = await verify(under.deps, INTEGRATION, unwatched())
  assert.ok(result.kind === 'done', JSON.stringify(result))
  assert.equal(result.equal, 40)
  assert.deepEqual(asked, { scan: 40, getMany: 40 }, 'the full size was tried first')
})

test('a pass holds its secrets for about half a second, however slow a store is at each of them', async (t) => {
  const clock = skippingClock()
  const under = await withMigrator(t, { batch: 100, clock })
  await under.seed(names(300))
  await takeInventory(under.deps, INTEGRATION, unwatched())
  const taken: number[] = []
  under.stores.new.gate('putMany', async (real, puts, call) => {
    taken.push(puts.length)
    for (const _ of puts) await clock.sleep(50)
    return real(puts, call)
  })
  assert.equal((await backfill(under.deps, { integration: INTEGRATION, source: 'legacy' }, unwatched())).kind, 'done')
  // Two passes run beside each other: the second begins before the first is over, and so before anybody knows.
  const large = taken.filter((n) => n > 20)
  assert.ok(large.length >= 1 && large.length <= 2, `so many secrets a pass: ${taken.join()}`)
  assert.equal(taken[0], 100)
  assert.equal(
    taken.reduce((sum, n) => sum + n, 0),
    300,
  )
})
