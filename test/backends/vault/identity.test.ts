import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import type { VaultClient } from '../../../backends/vault/client.ts'
import { makeDrivenClock } from '../../access/driven-clock.ts'
import { type Bao, useBao } from '../../support/bao.ts'
import { secretFile } from '../subjects.ts'
import { answer, faultyServer } from './faulty-server.ts'
import { inShort, openClient } from './with-client.ts'

const bao = useBao()

interface Role {
  readonly auth: object
  readonly secretIdFile: string
  readonly mount: string
  /** A path that the role may write to. */
  readonly path: readonly string[]
}

/** An AppRole whose tokens live for `ttl`. */
async function role(t: TestContext, server: Bao, options: object): Promise<Role> {
  const [mount, kv] = [await server.enableAuth('approle'), await server.mount('kv', { version: '1' })]
  await server.ask('POST', `sys/policies/acl/${mount}`, {
    policy: `path "${kv}/*" { capabilities = ["create", "update"] }`,
  })
  await server.ask('POST', `auth/${mount}/role/app`, { token_policies: [mount], ...options })
  const { role_id } = await server.ask('GET', `auth/${mount}/role/app/role-id`)
  const secretIdFile = await secretFile(t, await secretId(server, mount))
  const role_id_file = await secretFile(t, `${role_id}\n`)
  return {
    auth: { kind: 'approle', mount, role_id_file, secret_id_file: secretIdFile },
    secretIdFile,
    mount,
    path: [kv, 'x'],
  }
}
const secretId = async (server: Bao, mount: string): Promise<string> =>
  (await server.ask('POST', `auth/${mount}/role/app/secret-id`, {}))['secret_id'] as string

/** Tokens of a mount that are alive, as the server sees them. */
async function aliveOf(server: Bao, mount: string): Promise<readonly string[]> {
  const { keys } = await server.ask('GET', 'auth/token/accessors?list=true')
  const tokens = await Promise.all(
    (keys as string[]).map((accessor) =>
      server.ask('POST', 'auth/token/lookup-accessor', { accessor }).catch(() => ({ path: '' })),
    ),
  )
  return tokens.flatMap((data) =>
    data['path'] === `auth/${mount}/login` ? [(data as { accessor: string }).accessor] : [],
  )
}

const later = (clock: { monotonic(): number }) => ({ deadline: clock.monotonic() + 10_000 })

async function open(t: TestContext, options: object = { token_ttl: '1h' }) {
  const server = await bao.server()
  const given = await role(t, server, options)
  const clock = makeDrivenClock()
  const { client, count } = openClient(t, { address: server.url, auth: given.auth }, clock, given.path[0])
  const write = (): Promise<string> => put(client, given.path, clock)
  const logins = (step: string, outcome: string): Promise<number> =>
    count('crossfade_vault_logins_total', { step, outcome })
  return { ...given, server, clock, client, write, logins, count }
}
const put = async (client: VaultClient, path: readonly string[], clock: { monotonic(): number }): Promise<string> =>
  inShort(await client.request({ method: 'POST', path, body: '{"a":"b"}' }, later(clock)))

/** Until it is so; each look lets the event loop turn. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve))
}

test('requests of the same instant share one login, and its latency is measured', { skip: bao.skip }, async (t) => {
  const { write, logins, count, server, mount } = await open(t)
  assert.deepEqual(await Promise.all([write(), write(), write()]), ['answer 204', 'answer 204', 'answer 204'])
  assert.equal(await logins('login', 'granted'), 1)
  assert.ok((await count('crossfade_vault_login_seconds', { step: 'login' })) > 0)
  assert.equal((await aliveOf(server, mount)).length, 1)
})

test('a token is renewed before it ends, with no request in between, and its time begins anew', {
  skip: bao.skip,
}, async (t) => {
  const { write, logins, clock } = await open(t)
  await write()
  await clock.advance(30 * 60_000)
  assert.equal(await logins('renew', 'granted'), 0)
  for (let times = 1; times <= 3; times += 1) {
    await clock.advance(41 * 60_000)
    await until(async () => (await logins('renew', 'granted')) === times)
  }
  assert.equal(await write(), 'answer 204')
  assert.equal(await logins('login', 'granted'), 1)
})

test('a token that cannot be renewed is got anew before it ends', { skip: bao.skip }, async (t) => {
  const { write, logins, clock } = await open(t, { token_ttl: '1h', token_type: 'batch' })
  await write()
  await clock.advance(41 * 60_000)
  await until(async () => (await logins('login', 'granted')) === 2)
  assert.equal(await logins('renew', 'granted'), 0)
  assert.equal(await write(), 'answer 204')
})

test('a token whose longest life is near is got anew instead of renewed', async (t) => {
  const steps: string[] = []
  const server = await faultyServer(t, (request, response) => {
    const step = request.target.split('/').at(-1) as string
    steps.push(step)
    const lease_duration = step === 'login' ? 3_600 : 900
    answer(200, JSON.stringify({ auth: { client_token: 'a-token', lease_duration, renewable: true } }))(
      request,
      response,
    )
  })
  const clock = makeDrivenClock()
  const auth = { kind: 'approle', role_id: 'app', secret_id_file: await secretFile(t, 'secret') }
  const { client, count } = openClient(t, { address: server.url, auth }, clock)
  const granted = (step: string) => count('crossfade_vault_logins_total', { step, outcome: 'granted' })
  assert.equal((await client.grant(later(clock)))?.ttl, 3_600_000)
  await clock.advance(2_400_000)
  await until(async () => (await granted('renew')) === 1)
  // Two thirds of the fifteen minutes that were left.
  await clock.advance(599_000)
  assert.deepEqual(steps, ['login', 'renew-self'])
  await clock.advance(1_000)
  await until(async () => (await granted('login')) === 2)
  assert.deepEqual(steps, ['login', 'renew-self', 'login'])
})

test('a token that was revoked is replaced at its first refusal, and the write is sent again', {
  skip: bao.skip,
}, async (t) => {
  const { write, logins, clock, server, mount } = await open(t)
  await write()
  const [accessor] = await aliveOf(server, mount)
  await server.ask('POST', 'auth/token/revoke-accessor', { accessor })
  await clock.advance(1_000)
  const outcomes = await Promise.all(Array.from({ length: 20 }, write))
  assert.deepEqual(new Set(outcomes), new Set(['answer 204']))
  assert.equal(await logins('login', 'granted'), 2)
  assert.ok((await logins('look-up', 'denied')) >= 1)
})

test('a token that has ended at the server is replaced, although the clock here says that it is good', {
  skip: bao.skip,
}, async (t) => {
  const { write, logins, clock, server, mount } = await open(t, { token_ttl: '2s' })
  await write()
  // The server’s time is real: its token of two seconds ends by itself.
  await until(async () => (await aliveOf(server, mount)).length === 0)
  await clock.advance(1_000)
  assert.equal(await write(), 'answer 204')
  assert.equal(await logins('login', 'granted'), 2)
})

test('a request that the policy denies costs no login, and one look-up a second', { skip: bao.skip }, async (t) => {
  const { client, logins, clock } = await open(t)
  await put(client, ['elsewhere', 'x'], clock)
  await clock.advance(1_000)
  for (let times = 0; times < 5; times += 1) {
    assert.equal(await put(client, ['elsewhere', 'x'], clock), 'refused denied')
  }
  assert.equal(await logins('login', 'granted'), 1)
  assert.equal(await logins('look-up', 'granted'), 1)
})

/** Nothing about itself is allowed to such a token: no look-up, no renewal, no question of what it may do. */
const BARE = { token_ttl: '1h', token_no_default_policy: true }

test('a token that may not look itself up costs no login for what its policy denies, and is replaced when it was revoked', {
  skip: bao.skip,
}, async (t) => {
  const { client, write, logins, clock, server, mount } = await open(t, BARE)
  assert.equal(await write(), 'answer 204')
  for (let times = 0; times < 10; times += 1) {
    await clock.advance(1_000)
    assert.equal(await put(client, ['elsewhere', 'x'], clock), 'refused denied')
  }
  assert.equal(await logins('login', 'granted'), 1)
  const [accessor] = await aliveOf(server, mount)
  await server.ask('POST', 'auth/token/revoke-accessor', { accessor })
  await clock.advance(1_000)
  assert.equal(await write(), 'answer 204')
  assert.equal(await logins('login', 'granted'), 2)
  assert.equal(await client.ping(later(clock)), null)
  assert.match(
    (await client.check(later(clock))).map(({ message }) => message).join(),
    /lacks read on auth\/token\/lookup-self: .*; add path "auth\/token\/lookup-self" \{ capabilities = \["read"\] \}/,
  )
})

test('where nothing tells a dead token from one without rights, logins are tried ever more rarely', {
  skip: bao.skip,
}, async (t) => {
  const server = await bao.server()
  const given = await role(t, server, BARE)
  const clock = makeDrivenClock()
  // Its policy is of another mount.
  const section = { address: server.url, auth: given.auth }
  const { client, count } = openClient(t, section, clock, 'elsewhere')
  for (let seconds = 0; seconds < 120; seconds += 1) {
    await clock.advance(1_000)
    assert.equal(await put(client, ['elsewhere', 'x'], clock), 'refused denied')
  }
  assert.equal(await count('crossfade_vault_logins_total', { step: 'login' }), 8)
})

test('a token from a file that may not look itself up is used, and one that the server does not know is not', {
  skip: bao.skip,
}, async (t) => {
  const server = await bao.server()
  const kv = await server.mount('kv', { version: '1' })
  const token = await server.token(`path "${kv}/*" { capabilities = ["create", "update"] }`, {
    no_default_policy: true,
  })
  const clock = makeDrivenClock()
  const opened = async (text: string) =>
    openClient(t, { address: server.url, auth: { kind: 'token', token_file: await secretFile(t, text) } }, clock, kv)
  assert.equal(await put((await opened(token)).client, [kv, 'x'], clock), 'answer 204')
  const { client } = await opened('nonsense')
  assert.equal(await put(client, [kv, 'x'], clock), 'refused denied')
  assert.deepEqual(
    (await client.check(later(clock))).map(({ level }) => level),
    ['error'],
  )
})

test('a login that is refused makes requests denied, is tried again after a growing while, and heals', {
  skip: bao.skip,
}, async (t) => {
  const { write, logins, clock, client, secretIdFile, server, mount } = await open(t)
  await writeFile(secretIdFile, 'wrong')
  assert.equal(await write(), 'refused denied')
  assert.equal(await write(), 'refused denied')
  assert.equal(await logins('login', 'denied'), 1)
  const [problem] = await client.check(later(clock))
  assert.match(problem?.message ?? '', /^no login: 400: refused: the server does not take these credentials$/)
  await clock.advance(250)
  await write()
  assert.equal(await logins('login', 'denied'), 2)
  await clock.advance(250)
  await write()
  assert.equal(await logins('login', 'denied'), 2)
  await writeFile(secretIdFile, await secretId(server, mount))
  await clock.advance(250)
  assert.equal(await write(), 'answer 204')
})

test('a file that is not there is said by its name', { skip: bao.skip }, async (t) => {
  const { url } = await bao.server()
  const clock = makeDrivenClock()
  const { client } = openClient(t, { address: url, auth: { kind: 'token', token_file: '/nowhere/token' } }, clock)
  assert.deepEqual(await client.check(later(clock)), [
    { level: 'error', message: 'no login: /nowhere/token: ENOENT', passing: true },
  ])
})

test('a token file is read again when it changes, and before the old token is refused', {
  skip: bao.skip,
}, async (t) => {
  const server = await bao.server()
  const kv = await server.mount('kv', { version: '1' })
  const policy = `path "${kv}/*" { capabilities = ["create", "update"] }`
  const token_file = await secretFile(t, await server.token(policy))
  const clock = makeDrivenClock()
  const { client, count } = openClient(t, { address: server.url, auth: { kind: 'token', token_file } }, clock)
  const write = (): Promise<string> => put(client, [kv, 'x'], clock)
  assert.equal(await write(), 'answer 204')
  const granted = (): Promise<number> => count('crossfade_vault_logins_total', { step: 'login', outcome: 'granted' })
  // As an agent does it: a new file in the place of the old one.
  await writeFile(`${token_file}.new`, `${await server.token(policy)}\n`)
  await rename(`${token_file}.new`, token_file)
  await clock.advance(5_000)
  await until(async () => (await granted()) === 2)
  assert.equal(await write(), 'answer 204')
  // One that ends at once, and a new one in its place before anybody has looked.
  const ending = await server.token(policy)
  await writeFile(token_file, ending)
  await clock.advance(5_000)
  await until(async () => (await granted()) === 3)
  await writeFile(token_file, await server.token(policy))
  await server.ask('POST', 'auth/token/revoke', { token: ending })
  assert.equal(await write(), 'answer 204')
})

test('no token shows in what is told of a client', { skip: bao.skip }, async (t) => {
  const { client, server, mount, clock } = await open(t)
  const outcome = await client.request({ method: 'GET', path: ['auth', 'token', 'lookup-self'] }, later(clock))
  assert.equal(inShort(outcome), 'answer 200')
  const [accessor] = await aliveOf(server, mount)
  await server.ask('POST', 'auth/token/revoke-accessor', { accessor })
  const denied = await client.request({ method: 'GET', path: ['auth', 'token', 'lookup-self'] }, later(clock))
  assert.ok(!/s\.[A-Za-z0-9]{20}/.test(JSON.stringify([denied, client, await client.check(later(clock))])))
})
