import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIDES } from '../../core/side.ts'
import { firstPlace, type Place, type RunResult, runSlice } from '../../migrator/migrate.ts'
import { always } from '../support/answers.ts'
import { at, INTEGRATION, names, secretOf, skippingClock, withMigrator } from './with-migrator.ts'

type Under = Awaited<ReturnType<typeof withMigrator>>

const request = { integration: INTEGRATION, kind: 'migrate' } as const

/** A run in slices, each over at its first call of a store; what one leaves to the next goes through JSON, as in the ledger. More than `most` is too slow. */
async function inSlices(
  under: Under,
  most: { readonly scan?: number; readonly getMany?: number } = {},
): Promise<{ result: RunResult; places: readonly Place[] }> {
  let over = new AbortController()
  for (const store of SIDES.map((side) => under.stores[side])) {
    store.gate('scan', async (real, integration, page, call) =>
      page.limit > (most.scan ?? page.limit) ? end(tooSlow, []) : end(real, [integration, page, call]),
    )
    store.gate('getMany', async (real, addresses, call) =>
      addresses.length > (most.getMany ?? addresses.length)
        ? always(addresses, end(tooSlow, []))
        : end(real, [addresses, call]),
    )
    store.gate('putMany', (real, ...args) => end(real, args))
  }
  const end = <A extends readonly unknown[], R>(real: (...args: A) => R, args: A): R => {
    over.abort()
    return real(...args)
  }
  const tooSlow = () => ({ kind: 'error', reason: 'timeout', passing: true }) as const
  const places: Place[] = []
  let place = firstPlace(request)
  for (;;) {
    over = new AbortController()
    const options = { signal: new AbortController().signal, over: over.signal, emit: () => {}, helped: () => 0 }
    const slice = await runSlice(under.deps, request, place, options)
    if (slice.kind === 'ended') return { result: slice.result, places }
    place = JSON.parse(JSON.stringify(slice.place)) as Place
    places.push(place)
  }
}

test('a run in slices of a single step each ends with the figures of one that is whole', async (t) => {
  const under = await withMigrator(t, { batch: 7, page: 7 })
  await under.seed(names(50))
  const { result, places } = await inSlices(under)
  assert.deepEqual([result.outcome, result.stage], ['done', 'verify'])
  assert.deepEqual([result.counts?.copied, result.counts?.verified, result.counts?.left], [50, 50, 0])
  assert.deepEqual([result.verified?.checked, result.verified?.equal], [50, 50])
  for (const stage of ['inventory', 'backfill', 'verify']) {
    const seen = places.filter((place) => place.stage === stage).map((place) => place.progress?.done ?? 0)
    assert.ok(seen.length >= 2, `${stage} was cut ${seen.length} times`)
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      seen,
      `${stage} never goes back`,
    )
  }
})

test('what verify finds in slices is what it finds at once: every difference, each once', async (t) => {
  const under = await withMigrator(t, { batch: 4, page: 4 })
  await under.seed(names(30))
  await inSlices(under)
  const wrong = names(30).filter((_, i) => i % 5 === 0)
  for (const address of wrong) await under.plant('new', address, secretOf('wrong'))
  await under.plant('legacy', at('past-the-proxy'), secretOf('unknown'))
  const { result } = await inSlices(under)
  assert.equal(result.outcome, 'mismatches')
  assert.deepEqual([result.verified?.mismatches.value, result.verified?.mismatches.out_of_band], [wrong.length, 1])
  assert.deepEqual([result.verified?.checked, result.verified?.equal], [31, 30 - wrong.length])
})

test('a store that is too slow for a page or a batch gets on in slices, too', async (t) => {
  const under = await withMigrator(t, { clock: skippingClock(), batch: 20, page: 20 })
  await under.seed(names(40))
  await inSlices(under, { scan: 7 })
  const { result } = await inSlices(under, { scan: 7, getMany: 7 })
  assert.deepEqual([result.outcome, result.counts?.verified, result.verified?.equal], ['done', 40, 40])
})

test('patience outlives a slice: a store that stays away ends the run, however short the slices are', async (t) => {
  const under = await withMigrator(t, { clock: skippingClock(), batch: 10 })
  await under.seed(names(20))
  under.core.stores.new.troubleWrites('denied')
  const { result, places } = await inSlices(under)
  assert.deepEqual([result.outcome, result.stage], ['partial', 'backfill'])
  assert.ok(places.filter((place) => place.stage === 'backfill').length > 1)
})
