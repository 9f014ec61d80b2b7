import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { stringify } from 'yaml'
import { mintToken } from '../../access/token.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { type EmbeddedPostgres, startPostgres } from '../../bin/embedded/postgres.ts'
import { SAMPLE_ENVIRONMENT } from '../../bin/embedded/sample/config.ts'
import type { Side } from '../../core/side.ts'
import { writeFlagFile } from '../../flags/flag-file.ts'
import { PROJECT } from '../support/project.ts'
import { type SharedFiles, writeConfiguration } from './configuration.ts'
import { seedLegacyTable } from './legacy.ts'
import { type RedisServer, startRedis } from './redis.ts'
import { type Relay, startRelay } from './relay.ts'
import { makeReplicaProcess, type ReplicaProcess } from './replica.ts'
import { INTEGRATIONS } from './secrets.ts'

/**
 * Everything real: the ledger on one PostgreSQL, both stores on another, Redis, and proxy processes, each of which reaches
 * each store through a relay of its own.
 */
export interface ChaosSystem {
  readonly replicas: readonly ReplicaProcess[]
  /** By replica, then by side. */
  readonly relays: readonly Readonly<Record<Side, Relay>>[]
  /** Null with one replica, which needs none. */
  readonly redis: RedisServer | null
  /** Straight to the ledger, for counts. */
  restartLedger(pause: () => Promise<void>): Promise<void>
  /** Stops everything; the folder is kept if `keep`. */
  stop(options: { readonly keep: boolean }): Promise<void>
  readonly folder: string
}

export interface SystemOptions {
  readonly replicas: number
  /** Path of redis-server. */
  readonly redis: string
  /** A program that takes the place of `crossfade serve`; for mutants. */
  readonly program?: readonly string[]
}

const SERVE = [join(PROJECT, 'bin', 'crossfade.js'), 'serve'] as const

export async function startSystem(options: SystemOptions): Promise<ChaosSystem> {
  const folder = makeFolder(mkdtempSync(join(tmpdir(), 'crossfade-chaos-')))
  const ends: (() => Promise<unknown> | unknown)[] = []
  const stop = async (keep: boolean): Promise<void> => {
    for (const end of ends.toReversed()) await Promise.resolve(end()).catch(() => undefined)
    if (!keep) rmSync(folder, { recursive: true, force: true })
  }
  try {
    return await build(options, folder, ends, stop)
  } catch (error) {
    await stop(true)
    throw error
  }
}

async function build(
  options: SystemOptions,
  folder: string,
  ends: (() => Promise<unknown> | unknown)[],
  stop: (keep: boolean) => Promise<void>,
): Promise<ChaosSystem> {
  const ledgerAt = { dataDir: makeFolder(join(folder, 'ledger')), port: await freePort(), log: () => undefined }
  let ledger = await startPostgres(ledgerAt)
  ends.push(() => ledger.stop())
  const stores = await startPostgres({ dataDir: makeFolder(join(folder, 'stores')), log: () => undefined })
  ends.push(() => stores.stop())
  await createDatabases(ledger, ['ledger'])
  await createDatabases(stores, ['legacy', 'sealed'])
  await seedLegacyTable(stores.url('legacy'))
  const redis = options.replicas > 1 ? await startRedis(options.redis) : null
  if (redis !== null) ends.push(() => redis.stop())
  const { files, tokens } = writeKeys(folder, ledger, stores)
  const relays = await Promise.all(
    Array.from({ length: options.replicas }, async () => ({
      legacy: await startRelay(stores.port),
      new: await startRelay(stores.port),
    })),
  )
  ends.push(() => Promise.all(relays.flatMap((pair) => [pair.legacy.close(), pair.new.close()])))
  const replicas = await Promise.all(
    relays.map(async (pair, index) => {
      const listen = { clients: `127.0.0.1:${await freePort()}`, operators: `127.0.0.1:${await freePort()}` }
      const own = join(folder, `replica-${index}`)
      const url = (user: string, port: number, database: string) => `postgres://${user}@127.0.0.1:${port}/${database}`
      const urls = {
        ledger: url(ledger.user, ledger.port, 'ledger'),
        legacy: url(stores.user, pair.legacy.port, 'legacy'),
        new: url(stores.user, pair.new.port, 'sealed'),
      }
      const paths = writeConfiguration({ folder: own, listen, urls, redis: redis?.port ?? null }, files)
      await writeFlagFile(paths.flags, { integrations: INTEGRATIONS, environment: SAMPLE_ENVIRONMENT, phase: 'off' })
      return makeReplicaProcess({
        name: `replica-${index}`,
        program: options.program ?? SERVE,
        ...paths,
        clients: `http://${listen.clients}`,
        operators: `http://${listen.operators}`,
        tokens,
        log: join(folder, `replica-${index}.log`),
      })
    }),
  )
  for (const replica of replicas) ends.push(() => replica.kill())
  for (const replica of replicas) await replica.start()
  return {
    replicas,
    relays,
    redis,
    folder,
    restartLedger: async (pause) => {
      await ledger.stop()
      await pause()
      ledger = await startPostgres(ledgerAt)
    },
    stop: ({ keep }) => stop(keep),
  }
}

/** As root, the user that PostgreSQL runs as must get in. */
function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true })
  chmodSync(path, 0o711)
  return path
}

async function createDatabases(postgres: EmbeddedPostgres, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url('postgres') })
  await client.connect()
  try {
    for (const name of names) await client.query(`create database ${name}`)
  } finally {
    await client.end()
  }
}

function writeKeys(folder: string, ledger: EmbeddedPostgres, stores: EmbeddedPostgres) {
  const keep = (name: string, content: Uint8Array | string): string => {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const client = mintToken({ name: 'chaos-client', roles: ['client'] }, randomBytes)
  const operator = mintToken({ name: 'chaos-operator', roles: ['operator', 'viewer'] }, randomBytes)
  const files: SharedFiles = {
    password: ledger.passwordFile,
    storesPassword: stores.passwordFile,
    fingerprintKey: keep('fingerprint-key', randomBytes(32)),
    rootKey: keep('root-key', randomBytes(32)),
    etagKey: keep('etag-key', randomBytes(32)),
    tokens: keep('tokens.yaml', stringify([client.entry, operator.entry])),
  }
  return { files, tokens: { client: client.token, operator: operator.token } }
}
