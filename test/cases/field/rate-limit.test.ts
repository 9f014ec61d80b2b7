import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { secretFile } from '../../backends/subjects.ts'
import type { Ended } from '../../bin/run-crossfade.ts'
import { type Bao, useBao } from '../../support/bao.ts'
import { caseOf } from '../support/case.ts'
import { makeHome, type Serving } from '../support/home.ts'
import { makeKvHome } from '../support/kv-home.ts'

const bao = useBao()
const options = { skip: bao.skip }
const SECRETS = 60
const NAMES = Array.from({ length: SECRETS }, (_, n) => `n${n + 1}`)

/** As many requests a second to a mount, however many its clients would send. */
async function limit(server: Bao, mount: string): Promise<void> {
  await server.ask('POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true })
  await server.ask('POST', `sys/quotas/rate-limit/${mount}`, { path: mount, rate: 30, interval: '1s' })
}

/** Series of the metrics whose name and labels match, added up. */
async function sumOf(proxy: Serving, series: RegExp): Promise<number> {
  const lines = (await (await fetch(`${proxy.operators}/metrics`)).text()).split('\n')
  return lines.filter((line) => series.test(line)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

/** The run ended with everything, was limited on its way, and no breaker had a reason to open. */
async function assertWhole(proxy: Serving, run: Ended, store: string): Promise<void> {
  assert.equal(run.exit, 0, run.stderr)
  const { copied, verified, quarantined } = JSON.parse((await proxy.cli('status', 'aws', '--json')).stdout)
    .integrations[0].counts
  assert.deepEqual({ copied, verified, quarantined }, { copied: SECRETS, verified: SECRETS, quarantined: 0 })
  assert.ok((await sumOf(proxy, /^crossfade_vault_requests_total\{.*outcome="429"/)) > 0)
  assert.equal(await sumOf(proxy, new RegExp(`^crossfade_store_outcomes_total\\{.*"${store}".*_unavailable"`)), 0)
}

async function limitedTarget(t: TestContext, server: Bao) {
  const mount = await server.mount('kv', { version: '2' })
  const auth = { kind: 'token', token_file: await secretFile(t, server.rootToken) }
  const vaulted = { kind: 'vault-kv', address: server.url, auth, mount, version: 2, deadline: '5s' }
  const home = await makeHome(t, {
    sql: `create table t (customer text, name text, value text, primary key (customer, name));
      insert into t select 'acme', 'n' || i, 'v' || i from generate_series(1, ${SECRETS}) i`,
    edit: (config) => ({ ...config, stores: { ...config.stores, vaulted } as never }),
  })
  return { home, mount }
}

caseOf(
  ['field', '27'],
  'a migration to a server with a rate limit ends whole, says what it waits for, and opens no breaker',
  options,
  async (t) => {
    const server = await bao.server()
    const { home, mount } = await limitedTarget(t, server)
    const proxy = await home.serve()
    await limit(server, mount)
    const run = await proxy.cli('migrate', 'aws', '--execute', '--reason', 'x')
    await assertWhole(proxy, run, 'vaulted')
    assert.ok((await sumOf(proxy, /^crossfade_migrator_throttled_seconds_total\{.*"new-limit"/)) > 0)
  },
)

caseOf(['field', '27'], 'a client reads a store with a rate limit while it is migrated', options, async (t) => {
  const server = await bao.server()
  const home = await makeKvHome(t, server, { store: { deadline: '5s' } })
  for (const name of NAMES) await home.write(name, { value: name })
  const proxy = await home.serve()
  await limit(server, home.mount)
  let over = false
  const run = proxy.cli('migrate', 'aws', '--execute', '--reason', 'x').finally(() => {
    over = true
  })
  for (let n = 0; !over; n += 1) {
    const name = NAMES[n % SECRETS]
    const answer = await proxy.request(`aws/acme/${name}`)
    assert.deepEqual([answer.status, await answer.text()], [200, name])
  }
  await assertWhole(proxy, await run, 'homegrown')
})
