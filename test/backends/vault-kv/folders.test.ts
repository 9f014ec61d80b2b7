import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { byteOrder } from '../../../backends/secret-text.ts'
import { openVaultClient } from '../../../backends/vault/open.ts'
import { type Child, type Kind, makeFolders } from '../../../backends/vault-kv/folders.ts'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { makeRequests } from '../../../backends/vault-kv/requests.ts'
import { encodeSegment } from '../../../backends/vault-kv/segments.ts'
import { systemClock } from '../../../core/clock.ts'
import { useBao } from '../../support/bao.ts'
import { call } from '../checks/check.ts'
import { deps, vaultKvConfig } from '../subjects.ts'
import { type Fate, front, type Passing } from './front.ts'

const bao = useBao()
const options = { skip: bao.skip }

/** Pages small enough that a few names fill several. */
const PAGE = 3

/** Vault has no pages: it does not know these parameters. */
const withoutPages = ({ url }: Passing): Fate => ({ url: url.replace(/([?&])(limit|after)=[^&]*/g, '$1') })

/** Makes a key without a version: enough to be listed. */
const EMPTY = '{"max_versions":1}'

/** Segments that differ where the server's order is not that of their text. */
const segments = fc.oneof(
  fc.constantFrom(
    'a',
    'a-',
    'a-b',
    'a-b-c',
    'a b',
    'a.b',
    'a0',
    'ab',
    'b',
    '~',
    'a~',
    '~crossfade~',
    '~crossfade~a',
    '~crossfade}',
    '~crossfade~a~0Ab',
    'a\nb',
    '\n',
    'a/b',
    '\u{1F511}',
    'é',
    '.',
    'z',
  ),
  fc.stringMatching(/^[ab./~ \n-]{1,4}$/),
)

async function foldersOf(t: TestContext, decide: (request: Passing) => Fate) {
  const server = await bao.server()
  const config = await vaultKvConfig(t, server, { version: 2 })
  const address = await front(t, server.url, decide)
  const client = openVaultClient({ ...config, address }, deps('kv'))
  t.after(() => client.close())
  const requests = makeRequests({ client, mount: config.mount, tokens: null, clock: systemClock })
  return { folders: makeFolders(requests, ['metadata'], true, PAGE), requests }
}

const collect = async (children: AsyncGenerator<Child>): Promise<readonly string[]> => {
  const orders: string[] = []
  for await (const { order } of children) orders.push(order)
  return orders
}

const SERVERS: Readonly<Record<string, (request: Passing) => Fate>> = {
  'with pages': () => 'pass',
  'without pages': withoutPages,
}

for (const [server, decide] of Object.entries(SERVERS)) {
  test(`${server}: a folder of any segments is in byte order, complete, from any place on`, options, async (t) => {
    const { folders, requests } = await foldersOf(t, decide)
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(segments, { minLength: 1, maxLength: 14 }), segments, async (texts, from) => {
        const folder = `run-${run++}`
        await Promise.all(
          texts.flatMap((text, at) => {
            const path = ['metadata', folder, encodeSegment(text)]
            const inside = requests.write('POST', [...path, 'x'], EMPTY, call())
            return at % 2 === 0 ? [inside, requests.write('POST', path, EMPTY, call())] : [inside]
          }),
        )
        const leaves = texts.filter((_, at) => at % 2 === 0)
        const expected: Readonly<Record<Kind, readonly string[]>> = {
          customers: texts.filter((text) => byteOrder(text, from) >= 0),
          names: [
            ...texts.map((text) => `${text}/`).filter((order) => byteOrder(order, from) >= 0 || from.startsWith(order)),
            ...leaves.filter((text) => byteOrder(text, from) >= 0),
          ],
        }
        for (const kind of ['customers', 'names'] as const) {
          const found = await collect(folders.children([folder], kind, from, call()))
          assert.deepEqual(found, [...expected[kind]].sort(byteOrder))
        }
      }),
      { numRuns: 40 },
    )
  })
}

test('of a large folder only what lies behind the place is read', options, async (t) => {
  let listed = 0
  const { folders, requests } = await foldersOf(t, ({ url }) => {
    if (url.includes('list=true')) listed += 1
    return 'pass'
  })
  const names = Array.from({ length: 40 }, (_, n) => `n${String(n).padStart(2, '0')}`)
  for (const name of names) await requests.write('POST', ['metadata', 'large', name], EMPTY, call())
  assert.deepEqual(await collect(folders.children(['large'], 'names', 'n36', call())), ['n36', 'n37', 'n38', 'n39'])
  // The first page tells that it is large, then those from n3 on, and one for escaped names.
  assert.ok(listed <= 6, `${listed} listings`)
})

test(
  'what lies in the way of a listing is passed over: leaves among customers and beside integrations',
  options,
  async (t) => {
    const server = await bao.server()
    const config = await vaultKvConfig(t, server, { version: 2 })
    const store = openVaultKvStore(config, deps('kv'))
    t.after(() => store.close())
    for (const path of ['github/stray', 'github/acme/token', 'other']) {
      await server.ask('POST', `${config.mount}/data/${path}`, { data: { value: 'x' } })
    }
    const page = await store.scan('github', { after: null, limit: 10 }, call())
    assert.deepEqual(page, { kind: 'page', entries: [{ customer: 'acme', name: 'token', version: '1' }], next: null })
  },
)
