import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import type { StoreDeps } from '../../backends/deps.ts'
import { makeMemoryStore } from '../../backends/memory/memory.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { type PostgresConfig, postgresConfigSchema } from '../../backends/postgres/config.ts'
import { openPostgresStore } from '../../backends/postgres/open.ts'
import { type SealedConfig, sealedConfigSchema } from '../../backends/sealed/config.ts'
import { openSealedStore } from '../../backends/sealed/open.ts'
import type { Store } from '../../backends/store.ts'
import { type VaultKvConfig, vaultKvConfigSchema } from '../../backends/vault-kv/config.ts'
import { openVaultKvStore } from '../../backends/vault-kv/open.ts'
import { systemClock } from '../../core/clock.ts'
import type { Bao, BaoPart } from '../support/bao.ts'
import { freshDatabase, testPool } from '../support/postgres.ts'

export const deps = (name: string): StoreDeps => ({
  name,
  clock: systemClock,
  random: (bytes: number) => randomBytes(bytes),
  metrics: makeBackendsMetrics(new Registry()),
})

/** A file that is gone after the test. */
export async function secretFile(t: TestContext, content: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-key-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'key')
  await writeFile(path, content, { mode: 0o600 })
  return path
}

export const memorySubject = (versions: 'plain' | 'fenced') => async (): Promise<Store> =>
  makeMemoryStore({ name: versions, versions, maxSize: 65_536, clock: systemClock })

export interface Mapping {
  /** The old system's own table. */
  readonly create: string
  readonly columns: Partial<PostgresConfig['columns']>
  readonly column: PostgresConfig['encoding']['column']
  readonly cipher?: true
  readonly layout?: Partial<PostgresConfig['encoding']['layout']>
}

const KEY = 'integration text, customer text, name text, primary key (integration, customer, name)'

/** Tables such as people really have. */
export const MAPPINGS = {
  postgres: {
    create: `create table t (${KEY}, value bytea not null, ct text, meta jsonb, v bigint, modified timestamptz, deleted boolean not null default false, id bigint generated always as identity)`,
    columns: { content_type: 'ct', metadata: 'meta', version: 'v', updated_at: 'modified', deleted: 'deleted' },
    column: 'bytea',
  },
  'postgres bare text': { create: `create table t (${KEY}, value text)`, columns: {}, column: 'text' },
  'postgres json in byte order': {
    create: `create table t (integration varchar(40) not null, customer varchar(400) not null collate "C", name varchar(800) not null collate "C", value json not null, ct varchar(60), unique (integration, customer, name))`,
    columns: { content_type: 'ct' },
    column: 'json',
  },
  'postgres jsonb with version': {
    create: `create table t (${KEY}, value jsonb not null, meta text, v integer not null)`,
    columns: { metadata: 'meta', version: 'v' },
    column: 'jsonb',
  },
  'postgres base64, deleted_at': {
    create: `create table t (${KEY}, value text not null, deleted_at timestamptz)`,
    columns: { deleted: 'deleted_at' },
    column: 'base64',
  },
  'postgres with cipher, fenced': {
    create: `create table t (${KEY}, value bytea not null, meta json, v smallint not null default 7, deleted_at timestamp)`,
    columns: { metadata: 'meta', version: 'v', deleted: 'deleted_at' },
    column: 'bytea',
    cipher: true,
  },
  'postgres, IV before tag, as Node programs write it': {
    create: `create table t (${KEY}, value text not null, ct text, meta json, row_version integer not null default 1, created_by text not null default 'app', is_deleted boolean)`,
    columns: { content_type: 'ct', metadata: 'meta', version: 'row_version', deleted: 'is_deleted' },
    column: 'base64',
    cipher: true,
    layout: {
      order: ['nonce', 'tag', 'ciphertext'],
      nonce_bytes: 16,
      separator: ':',
      prefix: 'v1:',
      bound: '{customer}|{name}',
    },
  },
  'postgres hex, default collation, name in byte order': {
    create: `create table t (customer text, name text collate "C", integration text, value text not null, primary key (integration, customer, name))`,
    columns: {},
    column: 'hex',
  },
} as const satisfies Record<string, Mapping>

export async function postgresConfig(t: TestContext, mapping: Mapping, url: string): Promise<PostgresConfig> {
  return {
    ...postgresConfigSchema.parse({
      kind: 'postgres',
      url: 'postgres://nobody@127.0.0.1/x',
      table: 'public.t',
      columns: { integration: 'integration', customer: 'customer', name: 'name', value: 'value', ...mapping.columns },
      encoding: {
        column: mapping.column,
        ...(mapping.cipher && { cipher: 'aes-256-gcm', key_file: await secretFile(t, randomBytes(32)) }),
        ...(mapping.layout && { layout: mapping.layout }),
      },
      deadline: '5s',
      max_size: '64KiB',
    }),
    // The test's cluster has its password in its URL, which the schema refuses.
    url,
  }
}

export const postgresSubject =
  (mapping: Mapping) =>
  async (t: TestContext): Promise<Store> => {
    const { url } = await freshDatabase(t)
    await testPool(t, url).query(mapping.create)
    return openPostgresStore(await postgresConfig(t, mapping, url), deps('legacy'))
  }

export async function sealedConfig(t: TestContext, url: string, more: object = {}): Promise<SealedConfig> {
  const root_key_file = await secretFile(t, randomBytes(32))
  const config = sealedConfigSchema.parse({
    kind: 'sealed',
    url: 'postgres://nobody@127.0.0.1/x',
    keyring: { kind: 'local', root_key_file },
    deadline: '5s',
    max_size: '64KiB',
    ...more,
  })
  return { ...config, url }
}

export const sealedSubject = async (t: TestContext): Promise<Store> => {
  const { url } = await freshDatabase(t)
  return openSealedStore(await sealedConfig(t, url), deps('vaulted'))
}

/** A mount of its own, and a token that may do there what the README of the store asks for, and no more. */
export async function vaultKvConfig(t: TestContext, bao: Bao, more: object = {}): Promise<VaultKvConfig> {
  const { version = 2 } = more as { version?: 1 | 2 }
  const mount = await bao.mount('kv', { version: String(version) })
  const policy = `path "${mount}/*" { capabilities = ["create", "read", "update", "delete", "list"] }
    path "auth/token/create" { capabilities = ["update"] }`
  return vaultKvConfigSchema.parse({
    kind: 'vault-kv',
    address: bao.url,
    auth: { kind: 'token', token_file: await secretFile(t, await bao.token(policy)) },
    mount,
    version,
    deadline: '5s',
    max_size: '64KiB',
    ...more,
  })
}

export const vaultKvSubject =
  (bao: BaoPart, more: object) =>
  async (t: TestContext): Promise<Store> =>
    openVaultKvStore(await vaultKvConfig(t, await bao.server(), more), deps('kv'))
