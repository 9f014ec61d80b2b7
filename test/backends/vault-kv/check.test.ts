import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { useBao } from '../../support/bao.ts'
import { call } from '../checks/check.ts'
import { deps, secretFile, vaultKvConfig } from '../subjects.ts'

const bao = useBao()
const options = { skip: bao.skip }

async function problemsOf(t: TestContext, more: object): Promise<readonly string[]> {
  const store = openVaultKvStore({ ...(await vaultKvConfig(t, await bao.server())), ...more } as never, deps('kv'))
  t.after(() => store.close())
  return (await store.check(call())).map(({ level, message }) => `${level}: ${message}`)
}

test('a store that is as configured has no problems, in either version and any layout', options, async (t) => {
  for (const version of [1, 2]) {
    for (const path of ['{integration}/{customer}/{name}', 'teams/{customer}/{integration}/x/{name}']) {
      const config = await vaultKvConfig(t, await bao.server(), { version, path })
      assert.deepEqual(await problemsOf(t, config), [])
    }
  }
})

test('what is wrong with the mount is said in words', options, async (t) => {
  const server = await bao.server()
  const auth = { kind: 'token', token_file: await secretFile(t, server.rootToken) }
  const transit = await server.mount('transit')
  const one = await server.mount('kv', { version: '1' })
  assert.match(
    (await problemsOf(t, { mount: 'nowhere' }))[0] ?? '',
    /^error: no secrets engine at nowhere, or this token/,
  )
  assert.match(
    (await problemsOf(t, { auth, mount: transit }))[0] ?? '',
    /^error: .* is a secrets engine of type transit, expected kv/,
  )
  assert.match(
    (await problemsOf(t, { auth, mount: one }))[0] ?? '',
    /^error: .* is version 1 of kv, but version: 2 is configured/,
  )
})

test('each right that the token lacks is named with its path and what it is for', options, async (t) => {
  const server = await bao.server()
  const mount = await server.mount('kv', { version: '2' })
  const may = async (policy: string) =>
    problemsOf(t, { mount, auth: { kind: 'token', token_file: await secretFile(t, await server.token(policy)) } })
  const reads = await may(`path "${mount}/data/*" { capabilities = ["read"] }`)
  const lacking = reads.map((line) => /lacks (\w+) on \S+, (.*)$/.exec(line)?.slice(1).join(': '))
  assert.deepEqual(lacking, [
    'create: to write a new secret',
    'update: to write a secret that is there',
    'list: to list the names of a customer',
    'list: to list customers',
    'update: to remove a secret',
    'read: to list secrets with their versions',
    'read: to see a secret where the path has a folder',
  ])
})

test('version 1 needs a right to make tokens, and says what is lost without them', options, async (t) => {
  const server = await bao.server()
  const mount = await server.mount('kv', { version: '1' })
  const policy = `path "${mount}/*" { capabilities = ["create", "read", "update", "delete", "list"] }`
  const auth = { kind: 'token', token_file: await secretFile(t, await server.token(policy)) }
  const [missing, ...more] = await problemsOf(t, { mount, version: 1, auth })
  assert.match(missing ?? '', /^error: .* lacks update on auth\/token\/create, .*expiring_tokens/)
  assert.deepEqual(more, [])
  const [warned] = await problemsOf(t, { mount, version: 1, auth, expiring_tokens: false })
  assert.match(warned ?? '', /^warning: version 1 without expiring_tokens/)
})

test('a server that is not there is said once', options, async (t) => {
  const problems = await problemsOf(t, { address: 'http://127.0.0.1:1' })
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /^error: .*nobody listens there/)
})

test(
  'rights are asked for where the integrations lie, and what only some of them lack stops nobody else',
  options,
  async (t) => {
    const server = await bao.server()
    const mount = await server.mount('kv', { version: '2' })
    const policy = ['data', 'delete', 'metadata']
      .map((kind) => `path "${mount}/${kind}/aws/*" { capabilities = ["create", "read", "update", "list"] }`)
      .join('\n')
    const config = await vaultKvConfig(t, server, {
      mount,
      auth: { kind: 'token', token_file: await secretFile(t, await server.token(policy)) },
    })
    const problemsFor = async (...integrations: readonly string[]) => {
      const store = openVaultKvStore(config, { ...deps('kv'), integrations })
      t.after(() => store.close())
      return (await store.check(call())).filter(({ level }) => level === 'error')
    }
    assert.deepEqual(await problemsFor('aws'), [])
    const some = await problemsFor('aws', 'github')
    assert.ok(some.length > 0 && some.every(({ passing }) => passing === true))
    const none = await problemsFor('github')
    assert.deepEqual(
      none.filter(({ passing, stops }) => !passing && stops === undefined).map(({ message }) => message),
      [`the policy of this token lacks read on ${mount}/data/github/crossfade-check/crossfade-check, to read a secret`],
    )
  },
)
