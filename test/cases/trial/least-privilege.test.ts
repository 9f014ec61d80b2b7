import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Bao, useBao } from '../../support/bao.ts'
import { approle } from '../support/approle.ts'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const bao = useBao()
const options = { skip: bao.skip }

/** What SPEC.md asks for keys at Vault, and no more. */
const policyOf = (mount: string): string => `
  path "${mount}/encrypt/*" { capabilities = ["update"] }
  path "${mount}/decrypt/*" { capabilities = ["update"] }
  path "${mount}/rewrap/*" { capabilities = ["update"] }
  path "${mount}/keys/*" { capabilities = ["create", "read", "update", "delete"] }`
const OWN: Readonly<Record<string, string>> = {
  'lookup-self': 'path "auth/token/lookup-self" { capabilities = ["read"] }',
  'renew-self': 'path "auth/token/renew-self" { capabilities = ["update"] }',
  'capabilities-self': 'path "sys/capabilities-self" { capabilities = ["update"] }',
}

/** A home that is served by `sealed` with its keys at OpenBao, under a role whose tokens have no default policy. */
async function transitHome(t: TestContext, server: Bao, own: readonly string[]) {
  const mount = await server.mount('transit')
  const policy = [policyOf(mount), ...own.map((right) => OWN[right])].join('\n')
  const auth = await approle(t, server, policy, { token_no_default_policy: true })
  const keyring = { kind: 'transit', mount, address: server.url, auth }
  const home = await makeHome(t, {
    sql: 'create table t (customer text, name text, value text, primary key (customer, name))',
    edit: (config) => ({
      ...config,
      stores: { ...config.stores, vaulted: { ...config.stores['vaulted'], keyring, deadline: '20s' } } as never,
      integrations: { defaults: { legacy: 'vaulted', new: 'homegrown', value: 'bytes' }, aws: {} },
    }),
  })
  return { home, mount }
}

/** Logins of this process at the server, from the metrics. */
async function loginsOf(operators: string): Promise<number> {
  const text = await (await fetch(`${operators}/metrics`)).text()
  const lines = text.split('\n').filter((line) => /^crossfade_vault_logins_total\{.*step="login"/.test(line))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

for (const missing of ['lookup-self', 'renew-self', 'capabilities-self', null]) {
  const own = Object.keys(OWN).filter((right) => right !== missing && missing !== null)
  const lacks = missing === null ? 'no right about itself' : `every right but ${missing}`
  caseOf(
    ['trial', 'F1'],
    `a role with ${lacks} is ready, logs in once, and the check names what is missing`,
    options,
    async (t) => {
      const { home } = await transitHome(t, await bao.server(), own)
      const checked = await home.check()
      assert.equal(checked.exit, 0, checked.stdout)
      for (const right of missing === null ? ['lookup-self', 'capabilities-self'] : [missing])
        assert.ok(checked.stdout.includes(`add ${OWN[right]}`), checked.stdout)
      const proxy = await home.serve()
      const put = await proxy.request('aws/acme/token', { method: 'PUT', body: new Uint8Array([1]) })
      assert.equal(put.status, 204, await put.text())
      for (let times = 0; times < 5; times += 1) {
        const ready = await fetch(`${proxy.operators}/readyz`)
        assert.equal(ready.status, 200, await ready.text())
        assert.equal((await proxy.request('aws/acme/token')).status, 200)
      }
      assert.equal(await loginsOf(proxy.operators), 1)
    },
  )
}
