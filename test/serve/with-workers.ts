import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import { migrateSealed } from '../../backends/sealed/migrate.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import type { Phase } from '../../flags/phase.ts'
import { startCrossfade } from '../bin/run-crossfade.ts'
import { INTEGRATION, type LedgerServer, makeSystem, type Replica, type System } from './replicas.ts'

/*
 * Processes that only work, with short leases, on a ledger that nobody serves from: each may be killed. A stage is held by a
 * lock on a table that it needs, or by a replica that it waits for, so that a kill meets it there however slow the machine is.
 */
export interface Section {
  url: string
  password_file: string
}
interface Config {
  ledger: Section
  stores: Record<string, Section>
  migrator?: object
}

type Ops = Replica['ops']

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

/** What processes of this configuration find: twenty more secrets of legacy, and a new store that is ready. */
async function configure(t: TestContext, system: System, phase: Phase) {
  const { config } = await system.configure('workers', phase)
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
  return { config, ledgerSection: changed.ledger, newStore }
}

export async function withWorkers(t: TestContext, ledger: LedgerServer, phase: Phase) {
  const system = await makeSystem(t, ledger, { redis: null })
  const { config, ledgerSection, newStore } = await configure(t, system, phase)
  const processes = new Map<string, ChildProcess>()
  const look = await connect(t, ledgerSection)
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
  const end = async (name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const child = processes.get(name) as ChildProcess
    processes.delete(name)
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return {
    system,
    start,
    ledgerSection,
    newStore,
    kill: (name: string) => end(name, 'SIGKILL'),
    /** All that are left, politely: nobody is registered any more. */
    stop: async (): Promise<void> => {
      await Promise.all([...processes.keys()].map((name) => end(name, 'SIGTERM')))
    },
    /** One statement on the ledger, past everybody. */
    ask: async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> =>
      (await look.query(sql, [...values])).rows,
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
    /** Nobody gets past a use of these tables until the answer is called. */
    hold: async (section: Section, tables: string, mode: string): Promise<() => Promise<unknown>> => {
      const session = await connect(t, section)
      await session.query('begin')
      await session.query(`lock table ${tables} in ${mode} mode`)
      return () => session.query('rollback')
    },
  }
}

/** The run of the integration when it has ended. */
export async function endOfRun(ops: Ops) {
  const current = async () => (await ops.call('progress', { params: { integration: INTEGRATION } })).run
  let run = await current()
  while (run?.ended_at === null) run = await current()
  return run
}
