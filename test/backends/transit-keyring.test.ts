import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type pg from 'pg'
import { makeCustomers } from '../../backends/sealed/customers.ts'
import type { Keyring, OpenOutcome, OpenRequest, Sealed, SealOutcome } from '../../backends/sealed/keyring.ts'
import { migrateSealed } from '../../backends/sealed/migrate.ts'
import { makeTransitKeyring } from '../../backends/sealed/transit-keyring.ts'
import { makeDatabase } from '../../backends/sql/database.ts'
import { vaultSchema } from '../../backends/vault/config.ts'
import { openVaultClient } from '../../backends/vault/open.ts'
import { systemClock } from '../../core/clock.ts'
import { type Bao, useBao } from '../support/bao.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'
import { call } from './checks/check.ts'
import { deps, secretFile } from './subjects.ts'
import { transitPolicy } from './transit-subject.ts'

const bao = useBao()

interface Opened {
  readonly server: Bao
  readonly mount: string
  readonly pool: pg.Pool
  /** A replica's keyring; with the policy of docs, or with another token. */
  readonly keyring: (token?: string) => Promise<Keyring>
}

async function open(t: TestContext): Promise<Opened> {
  const server = await bao.server()
  const { url } = await freshDatabase(t)
  const pool = testPool(t, url)
  await migrateSealed(pool, 'sealed')
  const mount = await server.mount('transit')
  const keyring = async (token?: string): Promise<Keyring> => {
    const given = token ?? (await server.token(transitPolicy(mount)))
    const auth = { kind: 'token', token_file: await secretFile(t, given) }
    const database = makeDatabase({
      url,
      password: null,
      applicationName: 'crossfade/transit',
      maxConnections: 2,
      statementTimeout: 5_000,
      clock: systemClock,
    })
    const made = makeTransitKeyring({
      client: openVaultClient(vaultSchema.parse({ address: server.url, auth }), deps('vaulted')),
      mount: [mount],
      keyName: 'customer-{customer}',
      customers: makeCustomers(database, 'sealed'),
      cache: 2,
    })
    t.after(() => Promise.all([made.close(), database.close()]))
    return made
  }
  return { server, mount, pool, keyring }
}

const text = (word: string): Uint8Array => Buffer.from(word)
const request = (customer: string, word: string, context = word) => ({
  customer,
  plaintext: text(word),
  context: text(context),
})
const toOpen = (customer: string, sealed: Sealed, context: string): OpenRequest => ({
  customer,
  context: text(context),
  ...sealed,
})
const sealedOf = (outcome: SealOutcome | undefined): Sealed => {
  assert.ok(outcome?.kind === 'sealed', outcome?.kind)
  return outcome.sealed
}
const sealOne = async (keyring: Keyring, customer: string, word: string): Promise<Sealed> =>
  sealedOf((await keyring.seal([request(customer, word)], call()))[0])
const openOne = async (keyring: Keyring, customer: string, sealed: Sealed, context: string): Promise<string> =>
  said((await keyring.open([toOpen(customer, sealed, context)], call()))[0])
const said = (outcome: OpenOutcome | undefined): string => {
  if (outcome?.kind === 'opened') return Buffer.from(outcome.plaintext).toString()
  return outcome?.kind === 'failed' ? `failed ${outcome.failure.reason}` : (outcome?.kind ?? 'none')
}

const WAYS_TO_END = {
  'soft-deleted': (server: Bao, mount: string) => server.ask('DELETE', `${mount}/keys/customer-acme/soft-delete`),
  deleted: async (server: Bao, mount: string) => {
    await server.ask('POST', `${mount}/keys/customer-acme/config`, { deletion_allowed: true })
    await server.ask('DELETE', `${mount}/keys/customer-acme`)
  },
}
const keysOf = async (server: Bao, mount: string): Promise<unknown> =>
  server.ask('GET', `${mount}/keys?list=true`).then(
    ({ keys }) => keys,
    () => [],
  )

for (const [how, end] of Object.entries(WAYS_TO_END)) {
  for (const who of ['a token that may only update', 'a token that may everything'] as const) {
    test(`a key that was ${how} at the server seals and opens nothing, and no write of ${who} brings it back`, {
      skip: bao.skip,
    }, async (t) => {
      const { server, mount, keyring } = await open(t)
      const token = who === 'a token that may everything' ? server.rootToken : undefined
      const before = await keyring(token)
      const sealed = await sealOne(before, 'acme', 'word')
      await end(server, mount)
      const left = await keysOf(server, mount)
      // One that remembers the customer, and a replica that has just begun.
      for (const ring of [before, await keyring(token)]) {
        assert.deepEqual(await ring.seal([request('acme', 'again')], call()), [{ kind: 'revoked' }])
        assert.equal(await openOne(ring, 'acme', sealed, 'word'), 'revoked')
        assert.equal((await ring.rotate('acme', call())).kind, 'refused')
      }
      assert.deepEqual(await keysOf(server, mount), left)
      assert.equal(await sealOne(before, 'other', 'word').then(({ keyVersion }) => keyVersion), 1)
    })
  }
}

test('what was sealed opens only with its own customer, context and key version', { skip: bao.skip }, async (t) => {
  const { keyring } = await open(t)
  const ring = await keyring()
  const sealed = await sealOne(ring, 'acme', 'word')
  await sealOne(ring, 'other', 'word')
  assert.equal(await openOne(ring, 'acme', sealed, 'word'), 'word')
  assert.equal(await openOne(ring, 'acme', sealed, 'elsewhere'), 'undecryptable')
  assert.equal(await openOne(ring, 'other', sealed, 'word'), 'undecryptable')
  assert.equal(await openOne(ring, 'acme', { ...sealed, keyVersion: 2 }, 'word'), 'undecryptable')
  assert.equal(await openOne(ring, 'acme', { ...sealed, ciphertext: text('short') }, 'word'), 'undecryptable')
  assert.equal(await openOne(ring, 'acme', { ...sealed, ciphertext: text('') }, 'word'), 'undecryptable')
})

test('a batch beyond the limits of the server is cut, and each item has its own outcome', {
  skip: bao.skip,
}, async (t) => {
  const { keyring } = await open(t)
  const ring = await keyring()
  const words = Array.from({ length: 600 }, (_, n) => `word ${n}`)
  const requests = words.map((word, n) => request(n % 3 === 0 ? 'other' : 'acme', word))
  const sealed = (await ring.seal(requests, call())).map(sealedOf)
  const asked = sealed.map((each, n) => toOpen(requests[n]?.customer ?? '', each, n === 7 ? 'wrong' : (words[n] ?? '')))
  const opened = (await ring.open(asked, call())).map(said)
  assert.deepEqual(opened, words.with(7, 'undecryptable'))
})

test('values of more than one call may carry are spread over several', { skip: bao.skip }, async (t) => {
  const { keyring } = await open(t)
  const ring = await keyring()
  const large = Buffer.alloc(3 * 1024 * 1024, 7)
  const requests = Array.from({ length: 4 }, () => ({ customer: 'acme', plaintext: large, context: text('c') }))
  const sealed = (await ring.seal(requests, call())).map(sealedOf)
  const opened = await ring.open(
    sealed.map((each) => toOpen('acme', each, 'c')),
    call(),
  )
  assert.ok(opened.every((outcome) => outcome.kind === 'opened' && large.equals(outcome.plaintext)))
})

test('after a rotation new values have the new version, old ones open, and reseal carries them over', {
  skip: bao.skip,
}, async (t) => {
  const { keyring } = await open(t)
  const ring = await keyring()
  const old = await sealOne(ring, 'acme', 'old')
  assert.deepEqual(await ring.rotate('acme', call()), { kind: 'done', keyVersion: 2 })
  const fresh = await sealOne(ring, 'acme', 'new')
  assert.deepEqual([old.keyVersion, fresh.keyVersion], [1, 2])
  assert.equal(await openOne(ring, 'acme', old, 'old'), 'old')
  const [carried, current, wrong] = await ring.reseal(
    [toOpen('acme', old, 'old'), toOpen('acme', fresh, 'new'), toOpen('acme', old, 'elsewhere')],
    call(),
  )
  assert.equal(current?.kind, 'current')
  assert.equal(wrong?.kind, 'undecryptable')
  assert.ok(carried?.kind === 'sealed')
  assert.equal(carried.sealed.keyVersion, 2)
  assert.equal(await openOne(ring, 'acme', carried.sealed, 'old'), 'old')
  assert.equal(await openOne(ring, 'acme', carried.sealed, 'elsewhere'), 'undecryptable')
})

test('replicas that make a first key at the same instant use the same one', { skip: bao.skip }, async (t) => {
  const { keyring, pool } = await open(t)
  const rings = await Promise.all(Array.from({ length: 4 }, () => keyring()))
  const sealed = await Promise.all(rings.map((ring, n) => sealOne(ring, 'acme', `word ${n}`)))
  for (const [n, each] of sealed.entries()) {
    assert.equal(each.keyVersion, 1)
    assert.equal(await openOne(rings[0] as Keyring, 'acme', each, `word ${n}`), `word ${n}`)
  }
  assert.deepEqual((await pool.query('select customer, state from sealed.customer')).rows, [
    { customer: 'acme', state: 'active' },
  ])
})

test('revoke and restore, and destroy, are done at the server, and may be asked for again', {
  skip: bao.skip,
}, async (t) => {
  const { keyring } = await open(t)
  const ring = await keyring()
  const sealed = await sealOne(ring, 'acme', 'word')
  for (let time = 0; time < 2; time += 1) {
    assert.deepEqual(await ring.revoke('acme', call()), { kind: 'done', keyVersion: 1 })
    assert.equal(await openOne(ring, 'acme', sealed, 'word'), 'revoked')
    assert.deepEqual(await ring.reseal([toOpen('acme', sealed, 'word')], call()), [{ kind: 'revoked' }])
  }
  assert.deepEqual(await ring.rotate('acme', call()), { kind: 'refused', why: 'revoked' })
  for (let time = 0; time < 2; time += 1) {
    assert.deepEqual(await ring.restore('acme', call()), { kind: 'done', keyVersion: 1 })
    assert.equal(await openOne(ring, 'acme', sealed, 'word'), 'word')
  }
  for (let time = 0; time < 2; time += 1) {
    assert.deepEqual(await ring.destroy('acme', call()), { kind: 'done', keyVersion: null })
    assert.equal(await openOne(ring, 'acme', sealed, 'word'), 'revoked')
  }
  assert.deepEqual(await ring.restore('acme', call()), { kind: 'refused', why: 'destroyed' })
})

test('a key of that name that somebody made, and that binds no context, is not used', { skip: bao.skip }, async (t) => {
  const { server, mount, keyring } = await open(t)
  await server.ask('POST', `${mount}/keys/customer-acme`, {})
  assert.deepEqual(await (await keyring()).seal([request('acme', 'word')], call()), [
    { kind: 'failed', failure: { certain: true, reason: 'rejected', passing: false } },
  ])
})

test('the check says in words what a token may not do, and which engine is not there', {
  skip: bao.skip,
}, async (t) => {
  const { server, mount, keyring } = await open(t)
  assert.deepEqual(await (await keyring()).check(call(), true), [])
  const weak = await server.token(`path "${mount}/decrypt/*" { capabilities = ["update"] }`)
  const messages = (await (await keyring(weak)).check(call(), true)).map(({ level, message }) => `${level}: ${message}`)
  assert.match(messages[0] ?? '', /^error: the token may not update .*encrypt.*: nothing can be written$/)
  assert.equal(messages.length, 4)
  const none = await (await keyring(await server.token('path "x" { capabilities = ["read"] }'))).check(call(), true)
  assert.match(none[0]?.message ?? '', /^there is no transit engine at transit-/)
  const stranger = await (await keyring('s.nobody')).check(call(), true)
  assert.match(stranger[0]?.message ?? '', /^no login: 403: the server does not take these credentials/)
})
