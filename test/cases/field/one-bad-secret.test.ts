import assert from 'node:assert/strict'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { freshDatabase, testPool } from '../../support/postgres.ts'
import { caseOf } from '../support/case.ts'
import { makeHome, type Serving } from '../support/home.ts'

const BARE = 'create table t (customer text, name text, value text not null, primary key (customer, name));'
const LATIN1 = `encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' locale_provider libc template template0`
const ASCII = `encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' locale_provider libc template template0`

const migrate = (serving: Serving) => serving.cli('migrate', 'aws', '--execute', '--reason', 'a test', '--json')
const quarantined = async (serving: Serving): Promise<readonly { name: string; reason: string }[]> => {
  const { stdout } = await serving.cli('quarantine', 'list', 'aws', '--json')
  return (JSON.parse(stdout) as { entries: { name: string; reason: string }[] }).entries
}

/** The new store is a table, too. */
const newAt =
  (url: string, password: string) =>
  (config: ConfigInput): ConfigInput => {
    const bare = new URL(url)
    bare.password = ''
    const { homegrown } = config.stores as Record<string, object>
    return {
      ...config,
      stores: {
        homegrown,
        vaulted: { ...homegrown, url: bare.href, password_file: password },
      } as unknown as ConfigInput['stores'],
    }
  }

caseOf(['field', '4'], 'a character that one encoding lacks is the matter of its own secret', {}, async (t) => {
  const { url } = await freshDatabase(t, 'fast', LATIN1)
  const client = testPool(t, url)
  await client.query(BARE)
  const home = await makeHome(t, {
    sql: `${BARE} insert into t select 'acme', 'n' || g, case g when 7 then 'price 5 €' else 'plain é' end from generate_series(1, 20) g`,
  })
  home.rewrite(newAt(url, home.keep('new-pw', new URL(url).password)))
  assert.match((await home.check()).stdout, /warning stores\.vaulted +the database is in LATIN1, not UTF8/)
  const serving = await home.serve()
  await migrate(serving)
  assert.deepEqual(
    (await quarantined(serving)).map(({ name, reason }) => [name, reason]),
    [['n7', 'unrepresentable']],
  )
  const { rows } = await client.query('select count(*)::int as n from t')
  assert.equal(rows[0].n, 19)
  // Enrolled: it is refused before anything is begun.
  const put = await serving.request('aws/acme/n1', { method: 'PUT', body: Buffer.from('5 €') })
  assert.equal(put.status, 422)
  assert.match(await put.text(), /LATIN1/)
})

caseOf(
  ['field', '6'],
  'a byte that is no text is the matter of its own secret, and an odd name is put aside',
  {},
  async (t) => {
    const home = await makeHome(t, {
      database: ASCII,
      sql: `${BARE} insert into t values ('acme','a','ok'), ('acme','b', convert_from('\\x636166e9','SQL_ASCII')), ('acme','c','ok')`,
    })
    assert.match((await home.check()).stdout, /the database is in SQL_ASCII, not UTF8/)
    const serving = await home.serve()
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        ['a', 'b', 'c', 'a'].map(async (name) => (await serving.request(`aws/acme/${name}`)).status),
      )
      assert.deepEqual(answers, [200, 502, 200, 200])
    }
    await home.query(`insert into t values ('acme', convert_from('\\x6ee9','SQL_ASCII'), 'odd'), ('acme', 'z', 'ok')`)
    await migrate(serving)
    assert.deepEqual((await quarantined(serving)).map(({ name, reason }) => [name, reason]).sort(), [
      ['b', 'corrupt'],
      ['n\\xe9', 'not-addressable'],
    ])
    const status = JSON.parse((await serving.cli('status', '--json')).stdout) as {
      integrations: { counts: { copied: number } }[]
    }
    assert.equal(status.integrations[0]?.counts.copied, 3)
  },
)

caseOf(
  ['field', '6'],
  'a row that is damaged costs neither its neighbours nor the connections of the pool',
  {},
  async (t) => {
    // What a damaged block does, by a cast that the read goes through: the server says XX001 to whoever reads the row.
    const home = await makeHome(t, {
      sql: `create type who as enum ('acme', 'bad', 'zeta');
        create function printed(who) returns text language plpgsql as $$ begin
          if $1 = 'bad' then raise exception 'invalid page' using errcode = 'XX001'; end if; return enum_out($1)::text; end $$;
        create cast (who as text) with function printed(who);
        create table t (customer who, name text, value text not null, primary key (customer, name));
        insert into t values ('acme','a','A'), ('bad','a','B'), ('zeta','a','Z')`,
    })
    const serving = await home.serve()
    const read = async (customer: string): Promise<string> => {
      const response = await serving.request(`aws/${customer}/a`)
      return response.status === 200 ? response.text() : `${response.status}`
    }
    const connections = async (): Promise<readonly number[]> => {
      const open = `select array_agg(pid order by pid) as pids from pg_stat_activity where application_name = 'crossfade/homegrown'`
      return (await home.query(open))[0]?.['pids'] as number[]
    }
    assert.equal(await read('bad'), '502')
    const before = await connections()
    for (let round = 0; round < 15; round += 1)
      assert.deepEqual(await Promise.all(['acme', 'bad', 'zeta', 'bad'].map(read)), ['A', '502', 'Z', '502'])
    assert.equal(await read('bad'), '502')
    const after = await connections()
    assert.ok(before.length > 0 && before.every((pid) => after.includes(pid)), `${before} ${after}`)
  },
)
