import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { systemClock } from '../../../core/clock.ts'
import { caseOf } from '../support/case.ts'
import { type Home, makeHome, type Serving } from '../support/home.ts'

const SQL = `
create table t (customer text not null, name text not null, value text not null, primary key (customer, name));
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not now' using errcode = '55000'; end $$;
`
const REFUSE =
  'create trigger refuse before insert or update or delete on t for each statement execute function refuse()'
const ADDRESS = { integration: 'aws', customer: 'acme', name: 'token' }

const put = (body: string) => ({ method: 'PUT', body, headers: { 'content-type': 'application/octet-stream' } })
const EXECUTE = ['--execute', '--reason', 'case'] as const

/** What new holds, looked at past the ledger. */
async function heldByNew({ application }: Serving): Promise<string | null> {
  const { stores } = application.engine.stores.pairs('aws')
  const outcome = await stores.new.get(ADDRESS, { deadline: systemClock.monotonic() + 5000 })
  return outcome.kind === 'found' ? Buffer.from(outcome.secret.value.open()).toString() : null
}

const rowOf = async ({ application }: Serving) => (await application.engine.parts.ledger.ask(ADDRESS)).row

/** New holds what an earlier migration left there, legacy something else: the secret is foreign. */
async function foreign(t: TestContext, legacy: string | null): Promise<{ home: Home; proxy: Serving }> {
  const home = await makeHome(t, { sql: SQL })
  const proxy = await home.serve()
  const done = async (...argv: readonly string[]) => {
    const ended = await proxy.cli(...argv)
    assert.ok([0, 3, 4].includes(ended.exit ?? -1), `${argv.join(' ')}: ${ended.stderr}`)
  }
  assert.equal((await proxy.request('aws/acme/token', put('first'))).status, 204)
  await done('migrate', 'aws', ...EXECUTE)
  await done('abandon', 'aws', ...EXECUTE)
  const change = legacy === null ? { method: 'DELETE' } : put(legacy)
  assert.equal((await proxy.request('aws/acme/token', change)).status, 204)
  await done('migrate', 'aws', ...EXECUTE)
  assert.equal(await heldByNew(proxy), 'first')
  assert.equal((await rowOf(proxy))?.quarantine, 'foreign')
  return { home, proxy }
}

for (const [what, legacy, change] of [
  ['delete', null, { method: 'DELETE' }],
  ['put', 'second', put('third')],
] as const) {
  caseOf(
    ['review', '5'],
    `a refused ${what} leaves what new holds of a foreign secret, and its row, as they were`,
    {},
    async (t) => {
      const { home, proxy } = await foreign(t, legacy)
      const before = await rowOf(proxy)
      await home.query(REFUSE)
      const refused = await proxy.request('aws/acme/token', change)
      assert.equal(refused.status, 502, await refused.text())
      await home.query('drop trigger refuse on t')
      await proxy.application.engine.lazy.flush()
      assert.deepEqual(await rowOf(proxy), before)
      const again = await proxy.cli('migrate', 'aws', ...EXECUTE)
      assert.ok([0, 3, 4].includes(again.exit ?? -1), again.stderr)
      assert.equal(await heldByNew(proxy), 'first')
      assert.equal((await rowOf(proxy))?.quarantine, 'foreign')
      const read = await proxy.request('aws/acme/token')
      assert.equal(read.status, legacy === null ? 404 : 200)
      const listed = await proxy.request('aws/acme')
      const names = ((await listed.json()) as { entries: { name: string }[] }).entries.map(({ name }) => name)
      assert.deepEqual(names, legacy === null ? [] : ['token'], 'what is served is listed')
    },
  )
}
