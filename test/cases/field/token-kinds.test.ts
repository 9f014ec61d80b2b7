import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { secretFile } from '../../backends/subjects.ts'
import { type Bao, useBao } from '../../support/bao.ts'
import { approle } from '../support/approle.ts'
import { caseOf } from '../support/case.ts'
import { makeKvHome } from '../support/kv-home.ts'

const bao = useBao()
const options = { skip: bao.skip }

/** What `config check` asks of a store of version 1. */
const policyOf = (mount: string): string => `
  path "${mount}/*" { capabilities = ["create", "read", "update", "delete", "list"] }
  path "auth/token/create" { capabilities = ["update"] }`

type Auth = (t: TestContext, server: Bao, mount: string) => Promise<object>

const fileOf =
  (more: Readonly<Record<string, unknown>>): Auth =>
  async (t, server, mount) => ({
    kind: 'token',
    token_file: await secretFile(t, await server.token(policyOf(mount), more)),
  })
const roleOf =
  (role: object): Auth =>
  (t, server, mount) =>
    approle(t, server, policyOf(mount), role)

/** How the token comes to be, and what makes it unfit. */
const TOKENS: Readonly<Record<string, readonly [auth: Auth, why: RegExp]>> = {
  'a batch token': [fileOf({ type: 'batch', ttl: '1h' }), /it is a batch token .* it can make no children/],
  'a token of 50 uses': [fileOf({ num_uses: 50 }), /its uses are counted .* it can make no children/],
  'a role that gives batch tokens': [roleOf({ token_type: 'batch' }), /token_type.* it can make no children/],
  'a role that gives tokens of 50 uses': [roleOf({ token_num_uses: 50 }), /token_num_uses.* it can make no children/],
}

for (const [name, [auth, why]] of Object.entries(TOKENS)) {
  caseOf(
    ['field', '25'],
    `${name} is an error of the check where each write carries a child of it`,
    options,
    async (t) => {
      const server = await bao.server()
      const home = await makeKvHome(t, server, { version: 1, auth: (mount) => auth(t, server, mount) })
      const checked = await home.check()
      assert.notEqual(checked.exit, 0, checked.stdout)
      assert.match(checked.stdout, why)
      assert.match(checked.stdout, /use a service token without num_uses, or expiring_tokens: false/)
    },
  )
}

caseOf(['field', '25'], 'a batch token is enough where no write carries a child', options, async (t) => {
  const server = await bao.server()
  const auth = (mount: string) => roleOf({ token_type: 'batch' })(t, server, mount)
  const home = await makeKvHome(t, server, { version: 1, auth, store: { expiring_tokens: false } })
  const checked = await home.check()
  assert.equal(checked.exit, 0, checked.stdout + checked.stderr)
  const proxy = await home.serve()
  assert.equal((await proxy.request('aws/acme/token', { method: 'PUT', body: new Uint8Array([1]) })).status, 204)
})
