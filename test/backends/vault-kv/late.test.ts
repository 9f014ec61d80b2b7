import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY } from '../../../backends/store.ts'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { type Bao, useBao } from '../../support/bao.ts'
import { address, call, plain, plainSecret, secret } from '../checks/check.ts'
import { deps, vaultKvConfig } from '../subjects.ts'
import { type Fate, front, type Passing } from './front.ts'

const bao = useBao()
const options = { skip: bao.skip }
const WHERE = address('github')

/** Resolves when the server takes this token no more: the condition is asked for, not waited for. */
async function untilOver({ url }: Bao, mount: string, token: string): Promise<void> {
  const headers = { 'x-vault-token': token }
  while ((await fetch(`${url}/v1/${mount}/elsewhere`, { headers })).status !== 403);
}

const isData = ({ method, url }: Passing): boolean => method !== 'GET' && url.includes('github')

for (const expiring_tokens of [true, false]) {
  test(
    `version 1, expiring_tokens ${expiring_tokens}: a write that is held up beyond its time ${expiring_tokens ? 'is refused by the server' : 'lands over a later one'}`,
    options,
    async (t) => {
      const server = await bao.server()
      const config = await vaultKvConfig(t, server, { version: 1, expiring_tokens })
      let held: Passing | null = null
      const arrived = Promise.withResolvers<void>()
      const release = Promise.withResolvers<void>()
      const decide = async (request: Passing): Promise<Fate> => {
        if (!isData(request)) return 'pass'
        held = request
        arrived.resolve()
        await release.promise
        return 'pass'
      }
      const slow = openVaultKvStore({ ...config, address: await front(t, server.url, decide) }, deps('slow'))
      const direct = openVaultKvStore(config, deps('direct'))
      t.after(() => Promise.all([slow.close(), direct.close()]))
      assert.equal(slow.capabilities.bound.has, expiring_tokens)

      const leaving = new AbortController()
      const put = slow.put(WHERE, secret('late'), ANY, { ...call(3000), signal: leaving.signal })
      await arrived.promise
      leaving.abort()
      assert.deepEqual(await put, { kind: 'unknown', reason: 'timeout' })
      assert.equal((await direct.put(WHERE, secret('later'), ANY, call())).kind, 'done')
      if (expiring_tokens) await untilOver(server, config.mount, (held as Passing | null)?.token ?? '')
      const passed = fetchAgain(server, held)
      release.resolve()
      assert.equal((await passed).status, expiring_tokens ? 403 : 204)
      const expected = expiring_tokens ? 'later' : 'late'
      assert.deepEqual(plain(await direct.get(WHERE, call())), plainSecret(secret(expected)))
    },
  )
}

/** The request as it was sent, byte for byte, arriving now. */
const fetchAgain = ({ url }: Bao, held: Passing | null): Promise<Response> => {
  if (held === null) throw new Error('nothing was held')
  return fetch(`${url}${held.url}`, { method: held.method, headers: { 'x-vault-token': held.token }, body: held.body })
}

test('a token never outlives the time by which its write may land, whatever that is', options, async (t) => {
  const server = await bao.server()
  const config = await vaultKvConfig(t, server, { version: 1 })
  const tokens: { ttl: number; at: number }[] = []
  const decide = (request: Passing): Fate => {
    if (request.url.endsWith('/auth/token/create'))
      tokens.push({
        ttl: Number.parseInt((JSON.parse(request.body) as { ttl: string }).ttl, 10),
        at: performance.now(),
      })
    return 'pass'
  }
  const store = openVaultKvStore({ ...config, address: await front(t, server.url, decide) }, deps('kv'))
  t.after(() => store.close())
  for (const ms of [900, 400, 2500]) {
    const limits = call(ms)
    const before = tokens.length
    const { kind } = await store.put(WHERE, secret('x'), ANY, limits)
    assert.ok(kind === 'done' || kind === 'refused')
    for (const { ttl, at } of tokens.slice(before)) assert.ok(at + ttl <= limits.deadline)
  }
})

test('writes of the same instant share a token, and one with less time left has its own', options, async (t) => {
  const server = await bao.server()
  const config = await vaultKvConfig(t, server, { version: 1 })
  let made = 0
  const used = new Set<string>()
  const decide = (request: Passing): Fate => {
    if (request.url.endsWith('/auth/token/create')) made += 1
    if (isData(request)) used.add(request.token)
    return 'pass'
  }
  const store = openVaultKvStore({ ...config, address: await front(t, server.url, decide) }, deps('kv'))
  t.after(() => store.close())
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, n) => store.put(address('github', `n${n}`), secret('x'), ANY, call())),
  )
  assert.ok(outcomes.every(({ kind }) => kind === 'done'))
  assert.deepEqual([made, used.size], [1, 1])
  await store.put(WHERE, secret('x'), ANY, call(500))
  assert.equal(made, 2)
})
