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
import { needsBao, type PairName, serversOf } from '../pairs/pair.ts'
import { type PairBao, startPairBao } from '../pairs/pair-bao.ts'
import { PROJECT } from '../support/project.ts'
import { type SharedFiles, writeConfiguration } from './configuration.ts'
import { seedLegacy } from './legacy.ts'
import { type RedisServer, startRedis } from './redis.ts'
import { makeReplicaProcess, type ReplicaProcess } from './replica.ts'
import { INTEGRATIONS } from './secrets.ts'
import { type SideRelay, startSideRelay } from './side-relay.ts'

/**
 * Everything real: the ledger on one PostgreSQL, the stores on another and on OpenBao, Redis, and proxy processes, each of
 * which reaches each store through a relay of its own.
 */
export interface ChaosSystem {
  readonly replicas: readonly ReplicaProcess[]
  /** By replica, then by side. */
  readonly relays: readonly Readonly<Record<Side, SideRelay>>[]
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
  readonly pair: PairName
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
  const { pair } = options
  const bao = needsBao(pair) ? await startPairBao(folder) : null
  if (bao !== null) ends.push(bao.stop)
  await seedLegacy(pair, stores.url('legacy'), bao)
  const redis = options.replicas > 1 ? await startRedis(options.redis) : null
  if (redis !== null) ends.push(() => redis.stop())
  const { files, tokens } = writeKeys(folder, ledger, stores)
  const upstream = { postgres: stores.port, bao: bao?.bao.port ?? 0 }
  const relays = await Promise.all(
    Array.from({ length: options.replicas }, async () => ({
      legacy: await startSideRelay(serversOf(pair, 'legacy'), upstream),
      new: await startSideRelay(serversOf(pair, 'new'), upstream),
    })),
  )
  ends.push(() => Promise.all(relays.flatMap((sides) => [sides.legacy.close(), sides.new.close()])))
  const replicas = await Promise.all(
    relays.map(async (sides, index) => {
      const listen = { clients: `127.0.0.1:${await freePort()}`, operators: `127.0.0.1:${await freePort()}` }
      const own = join(folder, `replica-${index}`)
      const url = (user: string, port: number, database: string) => `postgres://${user}@127.0.0.1:${port}/${database}`
      const urls = {
        ledger: url(ledger.user, ledger.port, 'ledger'),
        legacy: url(stores.user, sides.legacy.ports.postgres, 'legacy'),
        new: url(stores.user, sides.new.ports.postgres, 'sealed'),
      }
      const through = (side: Side): PairBao | null =>
        bao === null ? null : { ...bao, url: `http://127.0.0.1:${sides[side].ports.bao}` }
      const place = { folder: own, listen, urls, redis: redis?.port ?? null, pair }
      const paths = writeConfiguration({ ...place, bao: { legacy: through('legacy'), new: through('new') } }, files)
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
