import assert from 'node:assert/strict'
import pg from 'pg'
import { caseOf } from '../support/case.ts'
import { type Home, makeHome, type Serving } from '../support/home.ts'

const SQL =
  'create table t (customer text not null, name text not null, value text not null, primary key (customer, name));'

const EXECUTE = ['--execute', '--reason', 'case'] as const
const put = (body: string) => ({ method: 'PUT', body, headers: { 'content-type': 'application/octet-stream' } })

async function done(proxy: Serving, ...argv: readonly string[]): Promise<void> {
  const ended = await proxy.cli(...argv, ...EXECUTE)
  assert.ok([0, 3, 4].includes(ended.exit ?? -1), `${argv.join(' ')}: ${ended.stderr}${ended.stdout}`)
}

async function live(proxy: Serving): Promise<void> {
  await done(proxy, 'flags', 'set', 'aws', 'live')
  const { phases } = proxy.application.engine.flags
  while (phases.decide('aws', 'acme').effective !== 'live') await proxy.application.engine.gates.follow()
}

const names = async (proxy: Serving): Promise<readonly string[]> => {
  const listed = await proxy.request('aws/acme')
  assert.equal(listed.status, 200)
  return ((await listed.json()) as { entries: { name: string }[] }).entries.map(({ name }) => name)
}

/** Takes secrets out of the store behind everybody's back, as one that was restored from a dump does. */
async function lose(home: Home, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: home.urls.sealed })
  await client.connect()
  try {
    const tables = await client.query(
      `select table_schema || '.' || table_name as t from information_schema.columns where column_name = 'name'
         and table_schema not in ('pg_catalog', 'information_schema') group by 1`,
    )
    for (const { t } of tables.rows as { t: string }[]) await client.query(`delete from ${t} where name = $1`, [name])
  } finally {
    await client.end()
  }
}

caseOf(
  ['history', 'H12'],
  'what new has lost is answered by legacy, or is an error, and never does not exist',
  {},
  async (t) => {
    const home = await makeHome(t, { sql: SQL })
    const proxy = await home.serve()
    for (const name of ['both', 'deleted', 'only'])
      assert.equal((await proxy.request(`aws/acme/${name}`, put('v1'))).status, 204)
    await done(proxy, 'migrate', 'aws')
    await live(proxy)
    assert.equal((await proxy.request('aws/acme/deleted', { method: 'DELETE' })).status, 204)
    // Legacy refuses, so that it owes what new alone holds.
    await home.query(`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create trigger refuse before insert or update on t for each statement execute function refuse()`)
    assert.equal((await proxy.request('aws/acme/only', put('v2'))).status, 204)
    await lose(home, 'both')
    await lose(home, 'only')
    const both = await proxy.request('aws/acme/both')
    assert.deepEqual([both.status, await both.text(), both.headers.get('crossfade-fallback')], [200, 'v1', 'error'])
    const only = await proxy.request('aws/acme/only')
    assert.deepEqual([only.status, ((await only.json()) as { code: string }).code], [502, 'value-missing'])
    assert.equal((await proxy.request('aws/acme/deleted')).status, 404)
    assert.equal((await proxy.request('aws/acme/never')).status, 404)
    assert.deepEqual(await names(proxy), ['both', 'only'])
  },
)

caseOf(['history', 'H9'], 'what is in quarantine as foreign and served is listed', {}, async (t) => {
  const home = await makeHome(t, { sql: SQL })
  const proxy = await home.serve()
  assert.equal((await proxy.request('aws/acme/token', put('old'))).status, 204)
  assert.equal((await proxy.request('aws/acme/gone', put('old'))).status, 204)
  await done(proxy, 'migrate', 'aws')
  await done(proxy, 'abandon', 'aws')
  assert.equal((await proxy.request('aws/acme/token', put('newer'))).status, 204)
  assert.equal((await proxy.request('aws/acme/gone', { method: 'DELETE' })).status, 204)
  await done(proxy, 'migrate', 'aws')
  const quarantined = await proxy.cli('quarantine', 'list', 'aws', '--json')
  assert.match(quarantined.stdout, /foreign/)
  assert.equal((await proxy.request('aws/acme/token')).status, 200)
  assert.equal((await proxy.request('aws/acme/gone')).status, 404)
  assert.deepEqual(await names(proxy), ['token'])
})

const WRITERS = 60
const EACH = 4

caseOf(
  ['history', 'H6'],
  'sixty writers of one secret are all acknowledged, in order, and others do not notice',
  {},
  async (t) => {
    const home = await makeHome(t, { sql: SQL })
    const proxy = await home.serve()
    assert.equal((await proxy.request('aws/acme/hot', put('first'))).status, 204)
    await done(proxy, 'migrate', 'aws')
    await live(proxy)
    const acknowledged: string[] = []
    const refused: number[] = []
    const writer = async (id: number): Promise<void> => {
      for (let n = 0; n < EACH; n += 1) {
        const value = `${id}-${n}`
        const { status } = await proxy.request(
          'aws/acme/hot',
          id % 10 === 9 && n === 0 ? { method: 'DELETE' } : put(value),
        )
        if (status === 204) acknowledged.push(value)
        else refused.push(status)
      }
    }
    const other = (async () => {
      for (let n = 0; n < EACH; n += 1) assert.equal((await proxy.request('aws/acme/cold', put(`${n}`))).status, 204)
    })()
    await Promise.all([other, ...Array.from({ length: WRITERS }, (_, id) => writer(id))])
    assert.deepEqual([acknowledged.length, refused], [WRITERS * EACH, []])
    await proxy.application.engine.lazy.flush()
    const { row } = await proxy.application.engine.parts.ledger.ask({
      integration: 'aws',
      customer: 'acme',
      name: 'hot',
    })
    assert.deepEqual([row?.fresh, row?.open], ['both', 0], 'none overlapped another')
  },
)
