import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { stringify } from 'yaml'
import { runInProcess } from '../../bin/run-crossfade.ts'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const TABLE = `create table t (customer text not null, name text not null, value text not null, primary key (customer, name));
  insert into t values ('acme', 'token', 'v1');`

const HUNTER = 'hunter4-in-a-url'

caseOf(['field', '19'], 'a secret in the query of any URL is refused and never printed', {}, async (t) => {
  const home = await makeHome(t, { sql: TABLE })
  const places: Readonly<Record<string, (config: Record<string, Record<string, unknown>>) => void>> = {
    'stores.homegrown.url': ({ stores }) => {
      Object.assign(stores?.['homegrown'] as object, { url: `postgres://127.0.0.1/app?user=app&password=${HUNTER}` })
    },
    'stores.vaulted.url': ({ stores }) => {
      Object.assign(stores?.['vaulted'] as object, { url: `postgres://a@127.0.0.1/app?sslpassword=${HUNTER}` })
    },
    'ledger.url': ({ ledger }) =>
      void Object.assign(ledger as object, { url: `postgres://a@127.0.0.1/app?passfile=${HUNTER}` }),
    'bus.url': (config) => {
      config['bus'] = { url: `redis://127.0.0.1:6379?password=${HUNTER}` }
    },
    'flags.url': (config) => {
      config['flags'] = { source: 'unleash', url: `https://u/api?token=${HUNTER}`, token_file: 'x', environment: 'e' }
    },
  }
  for (const [place, spoil] of Object.entries(places)) {
    let spoiled = ''
    home.rewrite((config) => {
      const copy = structuredClone(config)
      spoil(copy as never)
      spoiled = stringify(copy)
      return config
    })
    const file = home.keep('spoiled.yaml', spoiled)
    for (const verb of ['check', 'print']) {
      const { exit, stdout, stderr } = await runInProcess(['config', verb, file], home.folder)
      assert.notEqual(exit, 0, `${verb} ${place}`)
      assert.ok((stdout + stderr).includes(place), `${verb} ${place}: ${stdout}${stderr}`)
      assert.ok(!(stdout + stderr).includes(HUNTER), `${verb} ${place}`)
    }
  }
})

const refusedWith = async (query: string): Promise<string> => {
  const { postgresUrlSchema } = await import('../../../backends/sql/config.ts')
  const parsed = postgresUrlSchema.safeParse(`postgres://a@127.0.0.1/app?${query}`)
  return parsed.success ? '' : parsed.error.issues.map(({ message }) => message).join()
}

caseOf(['field', '17'], 'what Crossfade sets itself cannot be taken away by a URL', {}, async () => {
  for (const key of ['statement_timeout', 'lock_timeout', 'query_timeout', 'max', 'Statement_Timeout'])
    assert.match(await refusedWith(`${key}=0`), /in the query of a URL is refused/, key)
  for (const query of ['sslmode=disable', 'options=-c%20app.user%3Dx', 'host=/var/run/postgresql'])
    assert.equal(await refusedWith(query), '')
})

for (const which of ['store', 'ledger'] as const) {
  const id = which === 'store' ? (['field', '17'] as const) : (['review', '15'] as const)
  caseOf(
    id,
    `the options of a URL of the ${which} are added to Crossfade's own settings, which hold`,
    {},
    async (t) => {
      const home = await makeHome(t, { sql: TABLE })
      const { makeDatabase } = await import('../../../backends/sql/database.ts')
      const ledger = await import('../../../ledger/postgres/database.ts')
      const { systemClock } = await import('../../../core/clock.ts')
      const url = new URL(home.urls.app)
      const asked = [
        'default_transaction_isolation=serializable',
        'statement_timeout=0',
        'synchronous_commit=off',
        'app.user_id=crossfade',
      ]
      url.searchParams.set('options', asked.map((setting) => `-c ${setting}`).join(' '))
      const text = `select current_setting('app.user_id') as user_id, current_setting('transaction_isolation') as level,
      current_setting('statement_timeout') as timeout, current_setting('synchronous_commit') as commit`
      const options = {
        url: url.href,
        password: undefined,
        maxConnections: 1,
        statementTimeout: 1234,
        clock: systemClock,
      }
      const pool =
        which === 'store'
          ? makeDatabase({ ...options, password: null, applicationName: 'x' }).pool
          : ledger.makePool(options)
      t.after(() => pool.end())
      const { rows } = await pool.query(text)
      const commit = which === 'ledger' ? 'on' : 'off'
      assert.deepEqual(rows, [{ user_id: 'crossfade', level: 'read committed', timeout: '1234ms', commit }])
    },
  )
}

caseOf(
  ['field', '17'],
  'an audit trigger gets its session setting, and writes of one secret still never meet a serialization failure',
  {},
  async (t) => {
    const home = await makeHome(t, {
      sql: `${TABLE} create function audit() returns trigger language plpgsql as $$ begin
        perform current_setting('app.user_id'); return new; end $$;
      create trigger audited before insert or update on t for each row execute function audit();
      do $$ begin execute format('alter database %I set default_transaction_isolation = ''repeatable read''', current_database()); end $$;`,
    })
    home.rewrite((config) => {
      const { homegrown, ...others } = config.stores as Record<string, { url?: string }>
      const url = `${homegrown?.url}?options=-c%20app.user_id%3Dcrossfade`
      return { ...config, stores: { ...others, homegrown: { ...homegrown, url } } as unknown as typeof config.stores }
    })
    const serving = await home.serve()
    const writer = async (who: number): Promise<number[]> => {
      const seen: number[] = []
      for (let n = 0; n < 25; n += 1)
        seen.push((await serving.request('aws/acme/token', { method: 'PUT', body: Buffer.from(`${who} ${n}`) })).status)
      return seen
    }
    const all = (await Promise.all(Array.from({ length: 8 }, (_, who) => writer(who)))).flat()
    assert.deepEqual([...new Set(all)], [204])
  },
)

caseOf(
  ['field', '20'],
  'a rotated password is used by the next connection, and one that is refused is named as denied by status',
  {},
  async (t) => {
    const role = `cf_${randomUUID().slice(0, 8)}`
    const home = await makeHome(t, {
      sql: `create role ${role} login password 'one'; ${TABLE} grant all on t to ${role};`,
      role,
    })
    t.after(() => home.query(`drop owned by ${role}; drop role ${role}`).catch(() => undefined))
    const password_file = home.keep('role-pw', 'one')
    home.rewrite((config) => ({
      ...config,
      stores: { ...config.stores, homegrown: { ...config.stores['homegrown'], password_file } } as typeof config.stores,
    }))
    const serving = await home.serve()
    const read = async () => (await serving.request('aws/acme/token')).status
    assert.equal(await read(), 200)
    const rotate = (password: string) =>
      home.query(`alter role ${role} password '${password}';
      select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`)
    await rotate('two')
    assert.notEqual(await read(), 200)
    for (;;) {
      const { stdout } = await serving.cli('status')
      if (/homegrown cannot be checked now: denied/.test(stdout)) break
      await read()
    }
    home.keep('role-pw', 'two')
    while ((await read()) !== 200);
    while (
      /homegrown/.test(
        (await serving.cli('status')).stdout
          .split('\n')
          .filter((line) => line.startsWith('store '))
          .join(),
      )
    );
  },
)
