import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { readSecretFile } from '../../backends/key-file.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { systemClock } from '../../core/clock.ts'
import { makeFlagFile } from '../../flags/flag-file.ts'
import { type Database, makeDatabase } from '../../ledger/postgres/database.ts'
import { migrateLedger } from '../../ledger/postgres/migrate.ts'
import { makePostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { makeReplicas } from '../../ledger/postgres/replicas.ts'
import { makeStages } from '../../ledger/postgres/stages.ts'
import { startRedis } from '../../test/chaos/redis.ts'
import { findPart } from '../../test/support/parts.ts'
import { dataFolder } from '../crossfade.ts'
import { startNode } from '../process.ts'
import type { Bench, System } from '../scenario.ts'
import { startStores } from './ledger-stores.ts'

const FRONT_DOOR = fileURLToPath(new URL('../../bin/crossfade.js', import.meta.url))

/** How long a silent replica can keep the others waiting, ms. */
export const LEASE_MS = 2000

/** The phase of each integration during the whole run. */
export const PHASE_OF = { aws: 'off', github: 'complete' } as const
export type Integration = keyof typeof PHASE_OF

/** Enough that no secret is written twice: only the first write of a debt has to be announced. */
export const SECRETS = 50_000
export const CUSTOMER = 'bench'
export const nameOf = (n: number): string => `written/${n}`

/** The ledger's database; the caller closes it. */
export const openLedgerDatabase = (config: string): Database => {
  const { ledger } = loadConfig(config, process.env)
  return makeDatabase({
    url: ledger.url,
    password: ledger.password_file === undefined ? undefined : readSecretFile(ledger.password_file),
    maxConnections: 2,
    statementTimeout: 60_000,
  })
}

const COPIED = `
  insert into crossfade.secret (integration, customer, name, fresh, first, blank, gone, copied)
  select $1, $2, 'written/' || n, 'both', 'legacy', false, false, true from generate_series(0, $3 - 1) n`

/** The stores, and a ledger in which every secret of the run was copied, so that a write of one side leaves a debt. */
export const startEnrolled = async (bench: Bench): Promise<System> => {
  const stores = await startStores(bench)
  const database = openLedgerDatabase(stores.url)
  try {
    await migrateLedger(database)
    const replicas = makeReplicas(database, makePostgresLedger(database).integrations)
    const stages = makeStages(database, replicas, systemClock)
    const flags = makeFlagFile(dataPaths(dataFolder(bench)).flags)
    for (const [integration, phase] of Object.entries(PHASE_OF)) {
      for (const next of ['enrolling', 'enrolled'] as const) await stages.transition(integration, next)
      await database.query(null, 'select crossfade.mark_inventoried($1)', [integration])
      await database.query(null, COPIED, [integration, CUSTOMER, SECRETS])
      await flags.set([{ integration, phase }])
    }
    await database.query(null, 'analyze crossfade.secret', [])
    return stores
  } catch (error) {
    await stores.stop()
    throw error
  } finally {
    await database.close()
  }
}

export const startBus = async (): Promise<System> => {
  const program = findPart('redis-server')
  if (program === null) throw new Error('redis-server is missing; npm run parts -- redis-server brings it')
  const redis = await startRedis(program)
  return { url: `redis://127.0.0.1:${redis.port}`, headers: {}, stop: () => redis.stop() }
}

export interface ReplicaSystem extends System {
  readonly pid: number
  /** The operators' port. */
  readonly operators: string
}

/** One of three proxy processes, as its users start it. */
export const startReplica =
  (name: string, sections: Readonly<Record<string, unknown>> = {}) =>
  async (bench: Bench, started: ReadonlyMap<string, System>): Promise<ReplicaSystem> => {
    const { url: shared } = started.get('enrolled') as System
    const { url: bus } = started.get('bus') as System
    const config = { ...parse(readFileSync(shared, 'utf8')), ...sections }
    const file = join(bench.folder, `${name}.yaml`)
    config.listen.clients.address = `127.0.0.1:${await freePort()}`
    config.listen.operators.address = `127.0.0.1:${await freePort()}`
    config.ledger.replica_lease = `${LEASE_MS}ms`
    config.bus = { url: bus }
    config.audit.sinks = [{ kind: 'file', path: join(bench.folder, `${name}.jsonl`) }]
    writeFileSync(file, stringify(config), { mode: 0o600 })
    const { pid, stop } = await startNode({
      argv: [FRONT_DOOR, 'serve', '--config', file, '--json'],
      ready: (line) => (line.startsWith('{"serving"') ? line : null),
      signal: bench.signal,
    })
    const token = readFileSync(dataPaths(dataFolder(bench)).tokenFiles.client, 'utf8').trim()
    const headers = { authorization: `Bearer ${token}` }
    const [url, operators] = [config.listen.clients, config.listen.operators].map(({ address }) => `http://${address}`)
    return { url: String(url), operators: String(operators), headers, pid, stop }
  }
