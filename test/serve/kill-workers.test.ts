import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import { migrateSealed } from '../../backends/sealed/migrate.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { startCrossfade } from '../bin/run-crossfade.ts'
import { INTEGRATION, ledgerServer, makeSystem } from './replicas.ts'

const ledger = ledgerServer()

interface Section {
  url: string
  password_file: string
}
interface Config {
  ledger: Section
  stores: Record<string, Section>
  migrator?: object
}

const named = ({ url, password_file }: Section): string => {
  const whole = new URL(url)
  whole.password = encodeURIComponent(readFileSync(password_file, 'utf8').trim())
  return whole.href
}

async function connect(t: TestContext, section: Section): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: named(section) })
  // The servers end before it does.
  client.on('error', () => undefined)
  await client.connect()
  t.after(() => client.end().catch(() => undefined))
  return client
}

/** Worker processes with short leases, and a look at what the ledger says of them. */
async function withProcesses(t: TestContext) {
  const system = await makeSystem(t, await ledger(), { redis: null })
  const { config } = await system.configure('workers', 'off')
  const changed = parse(readFileSync(config, 'utf8')) as Config
  changed.migrator = { slice: '500ms', worker_lease: '1s', lease: '2s', batch: 2, page: 2 }
  writeFileSync(config, stringify(changed))
  const [legacy, newStore] = Object.values(changed.stores) as [Section, Section]
  const filling = await connect(t, legacy)
  await filling.query(
    `insert into ${LEGACY_TABLE} (provider, org_id, key, secret)
     select $1, 'acme', 'key-' || n, convert_to('value ' || n, 'utf8') from generate_series(1, 20) n`,
    [INTEGRATION],
  )
  const pool = new pg.Pool({ connectionString: named(newStore) })
  await migrateSealed(pool, 'sealed')
  await pool.end()
  const processes = new Map<string, ChildProcess>()
  const look = await connect(t, changed.ledger)
  const start = async (name: string) => {
    const argv = ['worker', '--config', config, '--operators', '127.0.0.1:0', '--name', name, '--json']
    const child = startCrossfade(argv, process.cwd())
    t.after(() => child.kill('SIGKILL'))
    processes.set(name, child)
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
    })
    const ended = once(child, 'exit').then(([code]) => assert.fail(`it ended with ${code}: ${said}`))
    ended.catch(() => undefined)
    const [text] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string]
    const { working } = JSON.parse(text) as { working: { operators: string } }
    return system.connect(working.operators, working.operators)
  }
  return {
    start,
    ledgerSection: changed.ledger,
    newStore,
    /** Resolves with the worker that has the run in this stage. */
    holderIn: async (stage: string): Promise<string> => {
      for (;;) {
        const { rows } = await look.query<{ name: string }>(
          `select w.name from crossfade.run r join crossfade.worker w on r.holder like w.id || '/%'
           where r.progress ->> 'stage' = $1 and r.until > clock_timestamp()`,
          [stage],
        )
        if (rows[0] !== undefined) return rows[0].name
      }
    },
    kill: async (name: string): Promise<void> => {
      const child = processes.get(name) as ChildProcess
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    /** Nobody gets past a use of these tables until the answer is called. */
    hold: async (section: Section, tables: string, mode: string): Promise<() => Promise<unknown>> => {
      const session = await connect(t, section)
      await session.query('begin')
      await session.query(`lock table ${tables} in ${mode} mode`)
      return () => session.query('rollback')
    },
  }
}

test('SIGKILL of the worker that has the run, in inventory, backfill and verify: another goes on, and nothing is lost', {
  timeout: 120_000,
}, async (t) => {
  const under = await withProcesses(t)
  const { start, kill, hold, holderIn, ledgerSection, newStore } = under
  let ops = (await start('w1')).ops
  await start('w2')
  let release = await hold(ledgerSection, 'crossfade.checkpoint', 'access exclusive')
  await ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'test' } })
  const next = {
    inventory: () => hold(newStore, 'sealed.version', 'exclusive'),
    backfill: () => hold(ledgerSection, 'crossfade.mismatch', 'exclusive'),
    verify: async () => async () => undefined,
  }
  for (const [i, stage] of (['inventory', 'backfill', 'verify'] as const).entries()) {
    await kill(await holderIn(stage))
    const holdNext = await next[stage]()
    ops = (await start(`w${i + 3}`)).ops
    await release()
    release = holdNext
  }
  const current = async () => (await ops.call('progress', { params: { integration: INTEGRATION } })).run
  let run = await current()
  while (run?.ended_at === null) run = await current()
  assert.equal(run?.outcome, 'done', run?.message ?? 'no run')
  const { discovered, copied, verified, left } = run?.counts ?? {}
  assert.ok((discovered ?? 0) >= 20)
  assert.deepEqual([copied, verified, left], [discovered, discovered, 0])
  const alive = async () => (await ops.call('workers', {})).workers
  let workers = await alive()
  while (workers.length !== 2) workers = await alive()
  assert.deepEqual([...new Set(workers.map(({ kind, state }) => `${kind} ${state}`))], ['worker live'])
})
