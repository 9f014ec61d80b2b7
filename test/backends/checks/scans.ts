import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ANY, type ScanEntry, type ScanPage, type Store } from '../../../backends/store.ts'
import { address, type Check, call, names, secret } from './check.ts'

const PLACES = [
  ['acme', 'token'],
  ['acme', 'Token'],
  ['acme', 'a/b'],
  ['acme', 'a/b/c'],
  ['acme', 'a b'],
  ['acme', 'é'],
  ['acme', '\u{1F511}'],
  ['acme', '\uFFEE'],
  ['Acme', 'z'],
  ['acme-2', 'a'],
  ['acme/2', 'a'],
  ['zürich', 'ß'],
] as const

const bytes = ([customer, name]: readonly [string, string]): Buffer => Buffer.from(`${customer}\0${name}`, 'utf8')
const inOrder = (places: readonly (readonly [string, string])[]) =>
  [...places].sort((a, b) => Buffer.compare(bytes(a), bytes(b)))

async function fill(store: Store, integration: string, places: readonly (readonly [string, string])[]): Promise<void> {
  await store.putMany(
    places.map(([customer, name]) => ({
      address: { integration, customer, name },
      secret: secret(name),
      condition: ANY,
    })),
    call(),
  )
}

async function scanAll(
  store: Store,
  integration: string,
  page: Pick<ScanPage, 'limit' | 'customer'>,
): Promise<ScanEntry[]> {
  const entries: ScanEntry[] = []
  let after: ScanPage['after'] = null
  do {
    const outcome = await store.scan(integration, { ...page, after }, call())
    if (outcome.kind !== 'page') throw new Error(outcome.reason)
    assert.ok(outcome.entries.length <= page.limit)
    entries.push(...outcome.entries)
    after = outcome.next
  } while (after)
  return entries
}

const placesOf = (entries: readonly ScanEntry[]) => entries.map(({ customer, name }) => [customer, name] as const)

export const SCAN_CHECKS: readonly Check[] = [
  {
    name: 'pages of every size hold every name once, in the same order at every call',
    run: async (store, integration) => {
      await fill(store, integration, PLACES)
      const whole = placesOf(await scanAll(store, integration, { limit: 100 }))
      assert.deepEqual(inOrder(whole), inOrder(PLACES))
      for (const limit of [1, 3, PLACES.length]) {
        assert.deepEqual(placesOf(await scanAll(store, integration, { limit })), whole)
      }
    },
  },
  {
    name: 'a page of one customer holds only its names, in byte order',
    run: async (store, integration) => {
      await fill(store, integration, PLACES)
      const own = PLACES.filter(([customer]) => customer === 'acme')
      assert.deepEqual(placesOf(await scanAll(store, integration, { limit: 2, customer: 'acme' })), inOrder(own))
      assert.deepEqual(await scanAll(store, integration, { limit: 2, customer: 'nobody' }), [])
    },
  },
  {
    name: 'a scan of one customer goes on from a place that is another customer',
    run: async (store, integration) => {
      await fill(store, integration, PLACES)
      const before = { after: { customer: 'a', name: 'zzz' }, customer: 'acme', limit: 100 }
      const behind = { after: { customer: 'b', name: 'a' }, customer: 'acme', limit: 100 }
      const first = await store.scan(integration, before, call())
      const last = await store.scan(integration, behind, call())
      assert.equal(first.kind === 'page' && first.entries.length, 8)
      assert.deepEqual(last, { kind: 'page', entries: [], next: null })
    },
  },
  {
    name: 'removed secrets and other integrations are not listed',
    run: async (store, integration) => {
      await fill(store, integration, [
        ['a', '1'],
        ['a', '2'],
        ['a', '3'],
      ])
      await fill(store, `${integration}-other`, [['a', '4']])
      await store.remove(address(integration, '2', 'a'), ANY, call())
      assert.deepEqual(placesOf(await scanAll(store, integration, { limit: 2 })), [
        ['a', '1'],
        ['a', '3'],
      ])
    },
  },
  {
    name: 'a scan goes on after a name that is gone',
    run: async (store, integration) => {
      await fill(store, integration, [
        ['a', '1'],
        ['a', '2'],
        ['a', '3'],
      ])
      await store.remove(address(integration, '2', 'a'), ANY, call())
      const page = await store.scan(integration, { after: { customer: 'a', name: '2' }, limit: 5 }, call())
      assert.deepEqual(page.kind === 'page' && placesOf(page.entries), [['a', '3']])
    },
  },
  {
    name: 'an entry holds a name and its version, and nothing else',
    run: async (store, integration) => {
      await fill(store, integration, [['a', '1']])
      const [entry] = await scanAll(store, integration, { limit: 2 })
      const held = await store.get(address(integration, '1', 'a'), call())
      assert.deepEqual(entry, { customer: 'a', name: '1', version: held.kind === 'found' ? held.version : null })
    },
  },
  {
    name: 'any set of names is listed completely, and those of one customer in byte order',
    run: async (store, integration) => {
      let run = 0
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.tuple(names, names), { selector: ([c, n]) => `${c}\0${n}`, maxLength: 12 }),
          async (places) => {
            const own = `${integration}-${run++}`
            await fill(store, own, places)
            assert.deepEqual(inOrder(placesOf(await scanAll(store, own, { limit: 5 }))), inOrder(places))
            for (const customer of new Set(places.map(([one]) => one))) {
              const its = places.filter(([one]) => one === customer)
              assert.deepEqual(placesOf(await scanAll(store, own, { limit: 2, customer })), inOrder(its))
            }
          },
        ),
        { numRuns: 15 },
      )
    },
  },
]
