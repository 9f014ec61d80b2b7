import assert from 'node:assert/strict'
import { caseOf } from '../support/case.ts'
import { makeHome } from '../support/home.ts'

const table = (extra: string): string =>
  `create table t (customer text, name text, value text not null, primary key (customer, name)); ${extra}`

/** What the old table refuses for good, and the one secret that it refuses. */
const REFUSALS = {
  'a check constraint': {
    sql: table('alter table t add check (length(value) < 10)'),
    bad: ['far-too-long', 'x'.repeat(20)],
    reason: /a check constraint of the table refuses it \(23514\)/,
  },
  'a second unique index': {
    sql: table(`create unique index second on t (customer, lower(name)); insert into t values ('acme', 'Token', 'v')`),
    bad: ['token', 'v'],
    reason: /another unique index of the table refuses it \(23505\)/,
  },
  'a trigger': {
    sql: table(`create function no() returns trigger language plpgsql as $$ begin
        if new.name = 'frozen' then raise exception 'no: %', new.value; end if; return new; end $$;
      create trigger no before insert or update on t for each row execute function no()`),
    bad: ['frozen', 'v'],
    reason: /a trigger of the table refuses it \(P0001\)/,
  },
} as const

for (const [what, { sql, bad, reason }] of Object.entries(REFUSALS)) {
  caseOf(
    ['field', '5'],
    `of 51 debts ${what} refuses one: 50 settle, and status says which one does not, and why`,
    {},
    async (t) => {
      const home = await makeHome(t, { sql })
      const serving = await home.serve()
      const run = async (...argv: readonly string[]): Promise<string> => {
        const { exit, stdout, stderr } = await serving.cli(...argv, '--execute', '--reason', 'a test')
        assert.equal(exit, 0, `${argv.join(' ')}: ${stdout}${stderr}`)
        return stdout
      }
      await run('migrate', 'aws')
      await run('flags', 'set', 'aws', 'complete')
      const running = async (phase: string): Promise<void> => {
        while (!(await serving.cli('status', 'aws', '--json')).stdout.includes(`"effective":"${phase}"`));
      }
      await running('complete')
      // New alone is written: all of them are owed to legacy.
      const puts = [...Array.from({ length: 50 }, (_, n) => [`n${n}`, 'v'] as const), bad]
      for (const [name, value] of puts) {
        const put = await serving.request(`aws/acme/${name}`, { method: 'PUT', body: Buffer.from(value) })
        assert.equal(put.status, 204, name)
      }
      await run('flags', 'set', 'aws', 'live')
      let said = ''
      do said = (await serving.cli('status')).stdout
      while (!said.includes(`aws/acme/${bad[0]} stays owing`))
      assert.match(said, reason)
      while (!/"left":1,/.test((await serving.cli('status', 'aws', '--json')).stdout));
      assert.equal((await home.query(`select from t where name like 'n%' and value = 'v'`)).length, 50)
      assert.equal(await (await serving.request(`aws/acme/${bad[0]}`)).text(), bad[1])
    },
  )
}
