import assert from 'node:assert/strict'
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { test } from 'node:test'
import type { Permission, Role } from '../../access/roles.ts'
import { mintToken } from '../../access/token.ts'
import { assertCaller, assertMay, bearerOf, makeTokens } from '../../access/tokens.ts'
import { isFault } from '../../core/fault.ts'

const mint = (name: string, ...roles: Role[]) => mintToken({ name, roles }, randomBytes)
const ALL = { integration: null, customer: null }
const code = (wanted: string) => (error: unknown) => isFault(error) && error.code === wanted

test('a minted token is known by its hash, and its entry does not hold it', () => {
  const { token, entry } = mint('worker', 'client')
  assert.equal(makeTokens([entry]).authenticate(token)?.name, 'worker')
  assert.equal(JSON.stringify(entry).includes(token), false)
  assert.ok(token.length >= 43, 'at least 256 bits')
})

test('a token that is not in the file, or almost is, authenticates nobody', () => {
  const { token, entry } = mint('worker', 'client')
  const tokens = makeTokens([entry])
  for (const wrong of ['', `${token}x`, token.slice(0, -1), entry.hash]) assert.equal(tokens.authenticate(wrong), null)
})

test('every entry is compared in constant time, whichever one matches', () => {
  const minted = ['a', 'b', 'c', 'd'].map((name) => mint(name, 'client'))
  let compared = 0
  const counting: typeof timingSafeEqual = (a, b) => {
    compared += 1
    return timingSafeEqual(a, b)
  }
  const tokens = makeTokens(
    minted.map(({ entry }) => entry),
    counting,
  )
  for (const { token } of [...minted, mint('nobody', 'client')]) {
    compared = 0
    tokens.authenticate(token)
    assert.equal(compared, 4)
  }
})

test('replacing the entries ends the old tokens and admits the new ones', () => {
  const before = mint('before', 'client')
  const after = mint('after', 'client')
  const tokens = makeTokens([before.entry])
  tokens.replace([after.entry])
  assert.equal(tokens.authenticate(before.token), null)
  assert.equal(tokens.authenticate(after.token)?.name, 'after')
})

test('an Authorization header without a known bearer token is unauthenticated', () => {
  const { token, entry } = mint('worker', 'client')
  const tokens = makeTokens([entry])
  assert.equal(assertCaller(tokens, `Bearer ${token}`).name, 'worker')
  for (const header of [undefined, '', 'Bearer', `Basic ${token}`, token, `Bearer ${token} more`, 'Bearer wrong']) {
    assert.throws(() => assertCaller(tokens, header), code('unauthenticated'))
  }
  assert.equal(bearerOf(`bearer  ${token}`), token)
})

const MATRIX: Record<Role, Record<Permission, boolean>> = {
  client: { secrets: true, view: false, operate: false },
  viewer: { secrets: false, view: true, operate: false },
  operator: { secrets: false, view: true, operate: true },
}

for (const [role, row] of Object.entries(MATRIX)) {
  for (const [permission, allowed] of Object.entries(row)) {
    test(`a token with the role ${role} ${allowed ? 'may' : 'may not'} ${permission}`, () => {
      const { token, entry } = mint('someone', role as Role)
      const caller = assertCaller(makeTokens([entry]), `Bearer ${token}`)
      const ask = () => assertMay(caller, permission as Permission, ALL)
      if (allowed) assert.equal(ask(), role)
      else assert.throws(ask, code('forbidden'))
    })
  }
}

test('a token with two roles may do what either may, and the audit learns which role it was', () => {
  const { token, entry } = mint('both', 'client', 'operator')
  const caller = assertCaller(makeTokens([entry]), `Bearer ${token}`)
  assert.equal(assertMay(caller, 'secrets', ALL), 'client')
  assert.equal(assertMay(caller, 'operate', ALL), 'operator')
})

test('a token bound to integrations and customers may use those only, and nothing that is about all', () => {
  const { token, entry } = mint('bound', 'client')
  const tokens = makeTokens([{ ...entry, integrations: ['aws', 'git*'], customers: ['eu-*'] }])
  const caller = assertCaller(tokens, `Bearer ${token}`)
  assert.equal(assertMay(caller, 'secrets', { integration: 'github', customer: 'eu-1' }), 'client')
  for (const subject of [
    { integration: 'azure', customer: 'eu-1' },
    { integration: 'aws', customer: 'us-1' },
    { integration: null, customer: 'eu-1' },
    { integration: 'aws', customer: null },
  ]) {
    assert.throws(() => assertMay(caller, 'secrets', subject), code('forbidden'))
  }
})
