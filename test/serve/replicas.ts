import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import pino from 'pino'
import { stringify } from 'yaml'
import { mintToken } from '../../access/token.ts'
import type { Address } from '../../backends/secret.ts'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { type EmbeddedPostgres, startPostgres } from '../../bin/embedded/postgres.ts'
import { type ConfigInput, SAMPLE_ENVIRONMENT, sampleConfig } from '../../bin/embedded/sample/config.ts'
import { seedLegacy } from '../../bin/embedded/sample/legacy.ts'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import { type Application, startApplication } from '../../bin/serve/application.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import { writeFlagFile } from '../../flags/flag-file.ts'
import type { Phase } from '../../flags/phase.ts'
import { enrol } from '../../migrator/enrol.ts'
import { freshDatabase } from '../support/postgres.ts'

/*
 * Several whole proxies on one ledger. The ledger has a PostgreSQL of its own, which a test may stop and start; the two
 * stores live on the one that all tests share, so that a ledger that is away takes no store with it.
 */
export const INTEGRATION = 'aws'
/** Never enrolled. */
export const BARE = 'github'
export const at = (name: string): Address => ({ integration: INTEGRATION, customer: 'acme', name })
/** Short, so that a test meets the end of a lease. */
export const LEASE_MS = 2000

/** The ledger's PostgreSQL; its port stays. */
export interface LedgerServer {
  createDatabase(t: TestContext): Promise<string>
  readonly passwordFile: string
  stop(): Promise<void>
  start(): Promise<void>
}

/** One for a whole test file, ended after it. */
export function ledgerServer(): () => Promise<LedgerServer> {
  let started: Promise<LedgerServer> | undefined
  let running: EmbeddedPostgres | undefined
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-ledger-'))
  chmodSync(folder, 0o711)
  after(async () => {
    await running?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const launch = async (): Promise<LedgerServer> => {
    const options = { dataDir: join(folder, 'data'), port: await freePort(), log: () => undefined }
    mkdirSync(options.dataDir, { mode: 0o711 })
    running = await startPostgres(options)
    let count = 0
    return {
      passwordFile: running.passwordFile,
      createDatabase: async () => {
        // A test that failed while it was away leaves no mess to the next.
        running ??= await startPostgres(options)
        const postgres = running
        const name = `ledger_${count++}`
        await query(postgres.url('postgres'), `create database ${name}`)
        return `postgres://${postgres.user}@127.0.0.1:${postgres.port}/${name}`
      },
      stop: async () => {
        await running?.stop()
        running = undefined
      },
      start: async () => {
        running ??= await startPostgres(options)
      },
    }
  }
  return () => {
    started ??= launch()
    return started
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

export interface Replica {
  readonly application: Application
  readonly secrets: SecretsClient
  readonly ops: OpsClient
  /** What /readyz answers. */
  readiness(): Promise<number>
  /** One metric's value, all labels summed. */
  metric(name: string): Promise<number>
  stop(): Promise<void>
}

export interface System {
  /** Starts one more replica; its flags ask for `phase`. */
  start(name: string, phase: Phase): Promise<Replica>
  /** The configuration of one more replica, for a process of its own; with fixed ports. */
  configure(name: string, phase: Phase): Promise<{ config: string; clients: string; operators: string }>
  /** Serves what `configure` wrote, in this process. */
  serve(config: string): Promise<Replica>
  connect(clients: string, operators: string): Pick<Replica, 'secrets' | 'ops'>
  readonly operatorToken: string
}

export async function makeSystem(
  t: TestContext,
  ledger: LedgerServer,
  options: {
    readonly redis: string | null
    readonly whenDown?: 'proven' | 'unproven'
    readonly lease?: number
    /** What is before the new store's port; returns the port to connect to. */
    readonly newThrough?: (port: number) => Promise<number>
    /** Each replica keeps caps that the ledger does not have in a file. */
    readonly capsFile?: boolean
    /** None unless a test is about them: phases are then free to mix. */
    readonly gates?: NonNullable<ConfigInput['gates']>
    readonly maxMoves?: string
    /** Secrets that one pass settles. */
    readonly batch?: number
    readonly clock?: Clock
  },
): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-serve-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const keep = (name: string, content: Uint8Array | string): string => {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const [legacy, sealed] = [await freshDatabase(t), await freshDatabase(t)]
  const pool = new pg.Pool({ connectionString: legacy.url, max: 1 })
  await seedLegacy(pool, { ...SAMPLE_DEFAULTS, secrets: 10 })
  await pool.end()
  const client = mintToken({ name: 'client', roles: ['client'] }, randomBytes)
  const operator = mintToken({ name: 'operator', roles: ['operator', 'viewer'] }, randomBytes)
  const ledgerUrl = await ledger.createDatabase(t)
  const files = {
    passwordFile: ledger.passwordFile,
    fingerprintKeyFile: keep('fingerprint-key', randomBytes(32)),
    rootKeyFile: keep('root-key', randomBytes(32)),
    etagKeyFile: keep('etag-key', randomBytes(32)),
    tokensFile: keep('tokens.yaml', stringify([client.entry, operator.entry])),
  }
  const newUrl = new URL(withoutPassword(sealed.url))
  if (options.newThrough !== undefined) newUrl.port = String(await options.newThrough(Number(newUrl.port)))
  const storePassword = keep('stores-password', new URL(legacy.url).password)

  const write = async (name: string, phase: Phase, listen: { clients: string; operators: string }): Promise<string> => {
    const flags = join(folder, `${name}-flags.json`)
    await writeFlagFile(flags, { integrations: [INTEGRATION, BARE], environment: SAMPLE_ENVIRONMENT, phase })
    const sample = sampleConfig({
      ...files,
      listen,
      urls: { ledger: ledgerUrl, legacy: withoutPassword(legacy.url), new: newUrl.href },
      flagsFile: flags,
      auditFile: join(folder, `${name}-audit.jsonl`),
      integrations: [INTEGRATION, BARE].map((name) => ({ name, owner: 'team', shape: 'bytes' as const, weight: 1 })),
    })
    const config: ConfigInput = {
      ...sample,
      gates: options.gates ?? {},
      flags: { ...sample.flags, ...(options.maxMoves === undefined ? {} : { max_moves: options.maxMoves }) },
      ...(options.batch === undefined ? {} : { migrator: { batch: options.batch } }),
      ledger: {
        ...sample.ledger,
        replica_lease: `${options.lease ?? LEASE_MS}ms`,
        operation_lease: '2s',
        statement_timeout: '1s',
        max_connections: 4,
        when_down: { reads: options.whenDown ?? 'proven' },
        ...(options.capsFile ? { caps_file: join(folder, `${name}-caps.json`) } : {}),
      },
      ...(options.redis === null ? {} : { bus: { url: options.redis, patience: '200ms', heartbeat: '100ms' } }),
      stores: Object.fromEntries(
        Object.entries(sample.stores).map(([store, section]) => [store, { ...section, password_file: storePassword }]),
      ) as ConfigInput['stores'],
    }
    return keep(`${name}.yaml`, stringify(config))
  }
  const connect: System['connect'] = (clients, operators) => ({
    secrets: makeSecretsClient(makeSend({ url: clients, token: client.token })),
    ops: makeOpsClient(makeSend({ url: operators, token: operator.token })),
  })

  const serve = async (config: string, name: string): Promise<Replica> => {
    const application = await startApplication({
      config: loadConfig(config, {}),
      clock: options.clock ?? systemClock,
      log: pino({ level: 'silent' }),
      name,
      // What is owed stays owed while a test looks at it.
      worker: false,
      version: '0.0.0',
      signal: new AbortController().signal,
    })
    t.after(() => application.stop())
    return {
      application,
      ...connect(application.clients, application.operators),
      readiness: async () => (await fetch(`${application.operators}/readyz`)).status,
      metric: (metric) => sumOf(application, metric),
      stop: () => application.stop(),
    }
  }

  return {
    connect,
    operatorToken: operator.token,
    serve: (config) => serve(config, 'alone'),
    configure: async (name, phase) => {
      const listen = { clients: `127.0.0.1:${await freePort()}`, operators: `127.0.0.1:${await freePort()}` }
      const config = await write(name, phase, listen)
      return { config, clients: `http://${listen.clients}`, operators: `http://${listen.operators}` }
    },
    start: async (name, phase) =>
      serve(await write(name, phase, { clients: '127.0.0.1:0', operators: '127.0.0.1:0' }), name),
  }
}

const withoutPassword = (url: string): string => {
  const bare = new URL(url)
  bare.password = ''
  return bare.href
}

async function sumOf(application: Application, name: string): Promise<number> {
  const metric = application.engine.metrics.registry.getSingleMetric(name)
  if (metric === undefined) throw new Error(`there is no metric ${name}`)
  return (await metric.get()).values.reduce((sum, { value }) => sum + value, 0)
}

/** Through the barrier over every registered replica, until each of them runs what its flags ask for. */
export async function enrolAll(replica: Replica): Promise<void> {
  const { parts, clock } = replica.application.engine
  const { stages, ledger } = parts
  const watch = { signal: AbortSignal.timeout(20_000), waiting: () => undefined }
  const row = await enrol({ stages, integrations: ledger.integrations, clock, patience: 20_000 }, INTEGRATION, watch)
  await stages.everyReplica(row, watch.waiting, watch.signal)
}

/** Looks again whenever the replica has refreshed, until it is so. */
export async function until(replica: Replica, isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    await replica.application.engine.parts.replica.refresh()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

export const put = (replica: Pick<Replica, 'secrets'>, name: string, value: string, integration = INTEGRATION) =>
  replica.secrets.put({ ...at(name), integration }, Buffer.from(value), { contentType: null, metadata: {} })

export const get = async (replica: Pick<Replica, 'secrets'>, name: string, integration = INTEGRATION) => {
  const found = await replica.secrets.get({ ...at(name), integration })
  return { value: Buffer.from(found.value).toString(), by: found.served_by, phase: found.phase }
}
