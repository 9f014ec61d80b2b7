import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pg from 'pg'
import pino from 'pino'
import { stringify } from 'yaml'
import { mintToken } from '../../../access/token.ts'
import { loadConfig } from '../../../bin/config/load.ts'
import type { ConfigInput } from '../../../bin/embedded/sample/config.ts'
import { type Application, startApplication } from '../../../bin/serve/application.ts'
import type { Reload } from '../../../bin/serve/reload.ts'
import { systemClock } from '../../../core/clock.ts'
import { type Ended, runInProcess } from '../../bin/run-crossfade.ts'
import { freshDatabase } from '../../support/postgres.ts'

/*
 * A home: a database of the user's own, made by the SQL of a case, in front of it Crossfade with the shortest configuration
 * that serves it: the table as `homegrown`, `sealed` with a local key as `vaulted`, no flags, an empty ledger.
 */

export interface HomeOptions {
  /** Run in the application's database, before anything else. */
  readonly sql: string
  /** How the database is made, such as `encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' locale_provider libc template template0`. */
  readonly database?: string
  readonly table?: string
  readonly columns?: Record<string, unknown>
  /** More keys of the store `homegrown`. */
  readonly store?: Record<string, unknown>
  /** The role that Crossfade connects to the application's database as; the superuser of the cluster if not said. */
  readonly role?: string
  /** Changes the configuration before it is written. */
  readonly edit?: (config: ConfigInput) => ConfigInput
  /** With a worker, so that runs and debts are worked on; true if not said. */
  readonly worker?: boolean
}

export interface Home {
  readonly folder: string
  /** The file. */
  readonly config: string
  /** Writes the configuration anew, for a reload or another start. */
  rewrite(edit: (config: ConfigInput) => ConfigInput): void
  /** Asks the application's own database, as its superuser. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  readonly urls: { readonly app: string; readonly sealed: string; readonly ledger: string }
  readonly tokens: { readonly client: string; readonly operator: string }
  /** Puts a file beside the configuration, readable by its owner only; returns its path. */
  keep(name: string, content: Uint8Array | string): string
  /** Starts one more process. `edit`: its own configuration, where it is not that of all; needs a bus beside another one. */
  serve(edit?: (config: ConfigInput) => ConfigInput): Promise<Serving>
  /** The command line in this process: `config check --connect`, with the configuration named. */
  check(): Promise<Ended>
}

export interface Serving {
  readonly application: Application
  readonly clients: string
  readonly operators: string
  /** Of an operator. */
  readonly token: string
  /** `path` is `aws/acme/token`, as it stands in the URL. */
  request(path: string, init?: RequestInit): Promise<Response>
  /** The command line against this proxy, as the operator. */
  cli(...argv: readonly string[]): Promise<Ended>
  /** Reads its file again, as a hangup signal asks. */
  reload(): Promise<Reload>
  stop(): Promise<void>
}

export const DEFAULT_COLUMNS = { integration: { constant: 'aws' }, customer: 'customer', name: 'name', value: 'value' }

export async function makeHome(t: TestContext, options: HomeOptions): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-home-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const keep = (name: string, content: Uint8Array | string): string => {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  // Before the databases: what is registered first is done first, and a proxy whose database is gone says so at length.
  const running: Application[] = []
  t.after(() => Promise.all(running.map((application) => application.stop())))
  const databases = [
    await freshDatabase(t, 'fast', options.database),
    await freshDatabase(t),
    await freshDatabase(t, 'durable'),
  ] as const
  const urls = { app: databases[0].url, sealed: databases[1].url, ledger: databases[2].url }
  const query: Home['query'] = async (sql, values) => {
    const client = new pg.Client({ connectionString: urls.app })
    await client.connect()
    try {
      return (await client.query(sql, values === undefined ? undefined : [...values])).rows
    } finally {
      await client.end()
    }
  }
  await query(options.sql)
  const client = mintToken({ name: 'client', roles: ['client'] }, randomBytes)
  const operator = mintToken({ name: 'operator', roles: ['operator', 'viewer'] }, randomBytes)
  const first = configuration(options, urls, {
    password: keep('pw', new URL(urls.app).password),
    ledgerPassword: keep('ledger-pw', new URL(urls.ledger).password),
    fingerprint: keep('fp', randomBytes(32)),
    root: keep('root', randomBytes(32)),
    etag: keep('et', randomBytes(32)),
    tokens: keep('tokens.yaml', stringify([client.entry, operator.entry])),
    flags: keep('flags.json', '{"version":2,"features":[]}'),
    audit: join(folder, 'audit.jsonl'),
  })
  let current = options.edit?.(first) ?? first
  const config = keep('crossfade.yaml', stringify(current))
  const tokenFile = keep('operator-token', `${operator.token}\n`)
  let started = 0
  return {
    folder,
    config,
    rewrite: (edit) => {
      current = edit(current)
      keep('crossfade.yaml', stringify(current))
    },
    query,
    urls,
    tokens: { client: client.token, operator: operator.token },
    keep,
    check: () => runInProcess(['config', 'check', config, '--connect'], folder),
    serve: async (edit) => {
      started += 1
      const file = edit === undefined ? config : keep(`crossfade-${started}.yaml`, stringify(edit(current)))
      const application = await startApplication({
        config: loadConfig(file, {}),
        clock: systemClock,
        log: pino({ level: 'silent' }),
        name: `home-${started}`,
        worker: options.worker ?? true,
        version: '0.0.0',
        signal: t.signal,
      })
      running.push(application)
      const { clients, operators } = application
      return {
        application,
        clients,
        operators,
        token: operator.token,
        request: (path, init = {}) =>
          fetch(`${clients}/api/v1/secrets/${path}`, {
            ...init,
            headers: { authorization: `Bearer ${client.token}`, ...(init.headers as Record<string, string>) },
          }),
        reload: () => application.reload(() => loadConfig(file, {})),
        cli: (...argv) => runInProcess([...argv, '--url', operators, '--token-file', tokenFile], folder),
        stop: () => application.stop(),
      }
    },
  }
}

interface Files {
  readonly password: string
  readonly ledgerPassword: string
  readonly fingerprint: string
  readonly root: string
  readonly etag: string
  readonly tokens: string
  readonly flags: string
  readonly audit: string
}

function configuration(options: HomeOptions, urls: Home['urls'], files: Files): ConfigInput {
  const connect = (url: string, role?: string) => {
    const bare = new URL(url)
    bare.password = ''
    if (role !== undefined) bare.username = role
    return { url: bare.href, password_file: files.password }
  }
  return {
    version: 1,
    listen: { clients: { address: '127.0.0.1:0' }, operators: { address: '127.0.0.1:0' } },
    ledger: { ...connect(urls.ledger), password_file: files.ledgerPassword, fingerprint_key_file: files.fingerprint },
    stores: {
      homegrown: {
        kind: 'postgres',
        ...connect(urls.app, options.role),
        table: options.table ?? 't',
        columns: options.columns ?? DEFAULT_COLUMNS,
        encoding: { column: 'text' },
        ...options.store,
      },
      vaulted: { kind: 'sealed', ...connect(urls.sealed), keyring: { kind: 'local', root_key_file: files.root } },
    } as ConfigInput['stores'],
    flags: { source: 'file', path: files.flags },
    integrations: { defaults: { legacy: 'homegrown', new: 'vaulted', value: 'bytes' }, aws: {} },
    identity: { tokens_file: files.tokens },
    etag: { key_file: files.etag },
    audit: { sinks: [{ kind: 'file', path: files.audit }], deadline: '2s' },
  }
}
