import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import { ROLES } from '../../access/roles.ts'
import { mintToken, type TokenEntry } from '../../access/token.ts'
import { type DataPaths, dataPaths } from './paths.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { sampleConfig } from './sample/config.ts'
import { sampleFlags } from './sample/flags.ts'
import { SAMPLE_INTEGRATIONS } from './sample/integrations.ts'
import { type SeedWatch, seedLegacy } from './sample/legacy.ts'
import { SAMPLE_DEFAULTS, type SampleOptions } from './sample/secrets.ts'

/** A whole system on this machine: its own PostgreSQL, sample data, keys, tokens and configuration. */
export interface EmbeddedSystem {
  readonly paths: DataPaths
  readonly postgres: EmbeddedPostgres
  readonly secrets: number
  /** False: everything was found again. */
  readonly seeded: boolean
}

export interface EmbeddedOptions {
  readonly dataDir: string
  /** host:port of each listener. */
  readonly listen: { readonly clients: string; readonly operators: string }
  readonly sample?: Partial<SampleOptions>
  readonly seeding?: SeedWatch
  readonly log: (line: string) => void
}

const DATABASES = { ledger: 'ledger', legacy: 'legacy', new: 'sealed' } as const

/** Starts what is embedded and writes the configuration that serves it; everything that was there before is kept. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedSystem> {
  const paths = dataPaths(options.dataDir)
  // Others may pass through but not look: PostgreSQL runs as another user when we are root. Each secret file is its owner's.
  mkdirSync(paths.root, { recursive: true, mode: 0o711 })
  const postgres = await startPostgres({ dataDir: paths.postgres, log: options.log })
  try {
    for (const file of [paths.fingerprintKey, paths.rootKey, paths.etagKey]) makeOnce(file, () => randomBytes(32))
    makeTokens(paths)
    await createDatabases(postgres)
    const { created, secrets } = await withPool(postgres.url(DATABASES.legacy), (pool) =>
      seedLegacy(pool, { ...SAMPLE_DEFAULTS, ...options.sample }, options.seeding),
    )
    await sampleFlags(paths.flags, SAMPLE_INTEGRATIONS)
    writeConfig(paths, postgres, options)
    return { paths, postgres, secrets, seeded: created }
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

function makeOnce(file: string, content: () => Uint8Array | string): void {
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, content(), { mode: 0o600, flag: 'wx' })
}

/** One token a role, each in a file of its own; the server's file holds hashes only. */
function makeTokens(paths: DataPaths): void {
  const entries: TokenEntry[] = existsSync(paths.tokens) ? parse(readFileSync(paths.tokens, 'utf8')) : []
  for (const role of ROLES) {
    if (existsSync(paths.tokenFiles[role]) && entries.some(({ name }) => name === `embedded-${role}`)) continue
    const { token, entry } = mintToken({ name: `embedded-${role}`, roles: ROLES_OF[role] }, randomBytes)
    mkdirSync(dirname(paths.tokenFiles[role]), { recursive: true, mode: 0o700 })
    writeFileSync(paths.tokenFiles[role], `${token}\n`, { mode: 0o600 })
    entries.splice(0, entries.length, ...entries.filter(({ name }) => name !== entry.name), entry)
  }
  writeFileSync(paths.tokens, stringify(entries.map(shown)), { mode: 0o600 })
}

const ROLES_OF = { client: ['client'], viewer: ['viewer'], operator: ['operator'] } as const

const shown = ({ name, roles, hash }: TokenEntry) => ({
  name,
  roles,
  hash: typeof hash === 'string' ? hash : `sha256:${Buffer.from(hash).toString('hex')}`,
})

async function createDatabases(postgres: EmbeddedPostgres): Promise<void> {
  await withPool(postgres.url('postgres'), async (pool) => {
    const { rows } = await pool.query<{ datname: string }>('select datname from pg_database')
    for (const name of Object.values(DATABASES)) {
      if (!rows.some(({ datname }) => datname === name)) await pool.query(`create database ${name}`)
    }
  })
}

async function withPool<T>(url: string, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** Written anew at each start, because the port of the embedded PostgreSQL is another one each time. */
function writeConfig(paths: DataPaths, postgres: EmbeddedPostgres, { listen }: EmbeddedOptions): void {
  const url = (database: string): string => `postgres://${postgres.user}@127.0.0.1:${postgres.port}/${database}`
  const config = sampleConfig({
    listen,
    urls: { ledger: url(DATABASES.ledger), legacy: url(DATABASES.legacy), new: url(DATABASES.new) },
    passwordFile: postgres.passwordFile,
    fingerprintKeyFile: paths.fingerprintKey,
    rootKeyFile: paths.rootKey,
    etagKeyFile: paths.etagKey,
    flagsFile: paths.flags,
    tokensFile: paths.tokens,
    auditFile: paths.audit,
    capsFile: paths.caps,
    integrations: SAMPLE_INTEGRATIONS,
  })
  const head = '# Written by `crossfade serve --embedded` at each start: copy it to change it.\n'
  writeFileSync(paths.config, head + stringify(config), { mode: 0o600 })
}
