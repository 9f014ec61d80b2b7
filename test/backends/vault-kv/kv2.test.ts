import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ANY, type Store } from '../../../backends/store.ts'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { type Bao, useBao } from '../../support/bao.ts'
import { address, at, call, fenceOf, plain, plainSecret, secret } from '../checks/check.ts'
import { deps, vaultKvConfig } from '../subjects.ts'
import { type Fate, front, type Passing } from './front.ts'

const bao = useBao()
const options = { skip: bao.skip }
const WHERE = address('github')
const PATH = 'github/acme/token'

interface Parts {
  readonly server: Bao
  readonly mount: string
  readonly store: Store
}

async function open(
  t: TestContext,
  more: object = {},
  decide?: (request: Passing) => Promise<Fate> | Fate,
): Promise<Parts> {
  const server = await bao.server()
  const config = await vaultKvConfig(t, server, { version: 2, ...more })
  const url = decide ? await front(t, server.url, decide) : server.url
  const store = openVaultKvStore({ ...config, address: url }, deps('kv'))
  t.after(() => store.close())
  return { server, mount: config.mount, store }
}

const names = async (store: Store): Promise<readonly string[]> => {
  const page = await store.scan('github', { after: null, limit: 10 }, call())
  return page.kind === 'page' ? page.entries.map(({ name }) => name) : []
}

const CONFLICT = { kind: 'conflict' }

test('what others deleted or destroyed is deleted, with its version; what never was is not', options, async (t) => {
  const { server, mount, store } = await open(t)
  assert.deepEqual(await store.get(WHERE, call()), { kind: 'absent', deleted: false, fence: '0' })
  await store.put(WHERE, secret('first'), ANY, call())
  await server.ask('DELETE', `${mount}/data/${PATH}`)
  assert.deepEqual(await store.get(WHERE, call()), { kind: 'absent', deleted: true, fence: '1' })
  assert.deepEqual(await names(store), [])
  await server.ask('POST', `${mount}/destroy/${PATH}`, { versions: [1] })
  assert.deepEqual(await store.get(WHERE, call()), { kind: 'absent', deleted: true, fence: '1' })
  assert.deepEqual(await store.put(WHERE, secret('x'), at('0'), call()), CONFLICT)
  assert.deepEqual(await store.put(WHERE, secret('again'), at('1'), call()), { kind: 'done', version: '2', fence: '2' })
  assert.deepEqual(await names(store), ['token'])
})

test(
  'a remove leaves a deleted version behind, and deletes what it removed for other readers too',
  options,
  async (t) => {
    const { server, mount, store } = await open(t)
    const fence = fenceOf(await store.put(WHERE, secret('first'), ANY, call()))
    assert.deepEqual(await store.remove(WHERE, at(fence), call()), { kind: 'done', version: '2', fence: '2' })
    const { versions } = await server.ask('GET', `${mount}/metadata/${PATH}`)
    const deleted = Object.values(versions as Record<string, { deletion_time: string }>).map(
      (v) => v.deletion_time !== '',
    )
    assert.deepEqual(deleted, [true, true])
    for (const version of [1, 2])
      await assert.rejects(server.ask('GET', `${mount}/data/${PATH}?version=${version}`), /404/)
  },
)

test(
  'a remove that is cut between its two requests is unknown, reads as deleted, refuses late puts, and can be repeated',
  options,
  async (t) => {
    let cuts = 1
    const { server, mount, store } = await open(t, {}, ({ url }) =>
      url.includes('/delete/') && cuts-- > 0 ? 'cut' : 'pass',
    )
    const fence = fenceOf(await store.put(WHERE, secret('first'), ANY, call()))
    assert.equal((await store.remove(WHERE, at(fence), call())).kind, 'unknown')
    assert.deepEqual(await store.get(WHERE, call()), { kind: 'absent', deleted: true, fence: '2' })
    assert.deepEqual(await store.put(WHERE, secret('zombie'), at(fence), call()), CONFLICT)
    assert.deepEqual(await names(store), ['token'])
    assert.equal((await store.remove(WHERE, at('2'), call())).kind, 'done')
    assert.deepEqual(await names(store), [])
    await assert.rejects(server.ask('GET', `${mount}/data/${PATH}`), /404/)
  },
)

test('a put without a condition that is overtaken on the way reads the version again', options, async (t) => {
  let overtake = async (): Promise<void> => {}
  const { server, mount, store } = await open(t, {}, async ({ method }): Promise<Fate> => {
    if (method === 'POST') await overtake()
    return 'pass'
  })
  overtake = async () => {
    overtake = async () => {}
    await server.ask('POST', `${mount}/data/${PATH}`, { data: { value: 'other' } })
  }
  assert.deepEqual(await store.put(WHERE, secret('mine'), ANY, call()), { kind: 'done', version: '2', fence: '2' })
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('mine')))
})

test('a mount that demands cas, and one that keeps a single version, take puts and removes', options, async (t) => {
  const { server, mount, store } = await open(t)
  await server.ask('POST', `${mount}/config`, { cas_required: true, max_versions: 1 })
  for (const word of ['a', 'b', 'c']) assert.equal((await store.put(WHERE, secret(word), ANY, call())).kind, 'done')
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('c')))
  assert.deepEqual(await store.remove(WHERE, ANY, call()), { kind: 'done', version: '4', fence: '4' })
  assert.deepEqual(await store.get(WHERE, call()), { kind: 'absent', deleted: true, fence: '4' })
})

test('a version that will be deleted in the future is there, and listed', options, async (t) => {
  const { server, mount, store } = await open(t)
  await server.ask('POST', `${mount}/config`, { delete_version_after: '3h' })
  await store.put(WHERE, secret('for now'), ANY, call())
  assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('for now')))
  assert.deepEqual(await names(store), ['token'])
  const problems = await store.check(call())
  assert.deepEqual(
    problems.map(({ level }) => level),
    ['warning'],
  )
  assert.match(problems[0]?.message ?? '', /3h0m0s.*delete_version_after/)
})

test(
  'custom metadata that others wrote survives puts and removes, also if it came before the secret',
  options,
  async (t) => {
    const { server, mount, store } = await open(t)
    const custom_metadata = { 'managed-by': 'external-secrets' }
    await server.ask('POST', `${mount}/metadata/${PATH}`, { custom_metadata })
    assert.deepEqual(await store.get(WHERE, call()), { kind: 'absent', deleted: false, fence: '0' })
    assert.deepEqual(await names(store), [])
    const mine = secret('mine', { metadata: { owner: 'a' } })
    assert.equal((await store.put(WHERE, mine, at('0'), call())).kind, 'done')
    assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(mine))
    await store.remove(WHERE, ANY, call())
    assert.deepEqual((await server.ask('GET', `${mount}/metadata/${PATH}`))['custom_metadata'], custom_metadata)
  },
)

test(
  'custom metadata is the metadata of a secret that others wrote, where it is to be read, and not of one of ours',
  options,
  async (t) => {
    const { server, mount, store } = await open(t, { value: { custom_metadata: 'read' } })
    await server.ask('POST', `${mount}/metadata/${PATH}`, { custom_metadata: { team: 'dev' } })
    await server.ask('POST', `${mount}/data/${PATH}`, { data: { value: 'theirs' } })
    const read = await store.get(WHERE, call())
    assert.deepEqual(read.kind === 'found' && { ...read.secret.metadata }, { team: 'dev' })
    await store.put(WHERE, secret('ours'), ANY, call())
    assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(secret('ours')))
  },
)

test(
  'a secret that others wrote is read as it is; one with more fields than the mapping has is unreadable, not cut',
  options,
  async (t) => {
    const { server, mount, store } = await open(t, { value: { field: 'password' } })
    await server.ask('POST', `${mount}/data/${PATH}`, { data: { password: 's3cret' } })
    const read = await store.get(WHERE, call())
    assert.equal(read.kind === 'found' && Buffer.from(read.secret.value.open()).toString(), 's3cret')
    for (const data of [
      { password: 'x', user: 'y' },
      { password: 1 },
      {},
      null,
      { password: 'x', crossfade: { more: 1 } },
    ]) {
      await server.ask('POST', `${mount}/data/${PATH}`, { data })
      const { kind } = await store.get(WHERE, call())
      assert.equal(kind, 'unreadable', JSON.stringify(data))
    }
  },
)

test(
  'a name that only a newer server could hold is refused for certain, and nothing of it is read',
  options,
  async (t) => {
    const server = await bao.server()
    const store = openVaultKvStore(await vaultKvConfig(t, server, { version: 2 }), deps('kv'))
    t.after(() => store.close())
    // No version of Unicode has this character yet.
    const where = address('github', 'a\u0378b')
    assert.deepEqual(await store.put(where, secret('x'), ANY, call()), { kind: 'refused', reason: 'unrepresentable' })
    assert.deepEqual(await store.get(where, call()), { kind: 'error', reason: 'unrepresentable', passing: false })
  },
)
