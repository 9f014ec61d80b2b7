import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { stringify } from 'yaml'
import { mintToken } from '../../access/token.ts'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { type ConfigInput, sampleConfig } from '../../bin/embedded/sample/config.ts'
import { seedLegacy } from '../../bin/embedded/sample/legacy.ts'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import { systemClock } from '../../core/clock.ts'
import { startCrossfade } from '../bin/run-crossfade.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { LedgerServer } from './replicas.ts'

/** One real process of Crossfade whose flags come from an Unleash server. */
export interface FlagSystem {
  readonly secrets: SecretsClient
  readonly ops: OpsClient
  readonly operators: string
  readonly tokenFile: string
  /** Written anew by whoever changes the configuration. */
  readonly config: string
  readonly document: ConfigInput
  /** Resolves when it serves. */
  start(): Promise<void>
  /** SIGTERM, and its end. */
  stop(): Promise<void>
  signal(name: NodeJS.Signals): void
  /** The value of a metric of this name whose line has this label, summed; 0 if there is none. */
  metric(name: string, label?: string): Promise<number>
  /** Looks again and again until it is so. */
  until(isSo: () => Promise<boolean>): Promise<void>
}

export interface FlagSystemOptions {
  readonly ledger: LedgerServer
  readonly flags: { readonly url: string; readonly token: string; readonly maxMoves?: string }
  readonly integrations: readonly string[]
  /** More of the configuration. */
  readonly more?: (sample: ConfigInput) => Partial<ConfigInput>
  readonly argv?: readonly string[]
}

export async function makeFlagSystem(t: TestContext, options: FlagSystemOptions): Promise<FlagSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-flagged-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const keep = (name: string, content: Uint8Array | string): string => {
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  let child: ReturnType<typeof startCrossfade> | null = null
  const end = async (name: NodeJS.Signals): Promise<void> => {
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = once(ending, 'exit')
    ending.kill(name)
    await ended
  }
  // Before the databases' own hooks, so that it is gone when they go.
  t.after(() => end('SIGKILL'))
  const [legacy, sealed] = [await freshDatabase(t), await freshDatabase(t)]
  const pool = new pg.Pool({ connectionString: legacy.url, max: 1 })
  await seedLegacy(pool, { ...SAMPLE_DEFAULTS, secrets: 10 })
  await pool.end()

  const client = mintToken({ name: 'client', roles: ['client'] }, randomBytes)
  const operator = mintToken({ name: 'operator', roles: ['operator', 'viewer'] }, randomBytes)
  const listen = { clients: `127.0.0.1:${await freePort()}`, operators: `127.0.0.1:${await freePort()}` }
  const tokenFile = keep('unleash-token', options.flags.token)
  const sample = sampleConfig({
    listen,
    urls: { ledger: await options.ledger.createDatabase(t), legacy: bare(legacy.url), new: bare(sealed.url) },
    passwordFile: options.ledger.passwordFile,
    fingerprintKeyFile: keep('fingerprint-key', randomBytes(32)),
    rootKeyFile: keep('root-key', randomBytes(32)),
    etagKeyFile: keep('etag-key', randomBytes(32)),
    tokensFile: keep('tokens.yaml', stringify([client.entry, operator.entry])),
    flagsFile: join(folder, 'none'),
    auditFile: join(folder, 'audit.jsonl'),
    integrations: options.integrations.map((name) => ({ name, owner: 'team', shape: 'bytes' as const, weight: 1 })),
  })
  const storePassword = keep('stores-password', new URL(legacy.url).password)
  const document: ConfigInput = {
    ...sample,
    stores: Object.fromEntries(
      Object.entries(sample.stores).map(([store, section]) => [store, { ...section, password_file: storePassword }]),
    ) as ConfigInput['stores'],
    flags: {
      source: 'unleash',
      url: options.flags.url,
      token_file: tokenFile,
      environment: 'development',
      refresh: '200ms',
      stale_after: '1s',
      max_moves: options.flags.maxMoves ?? '100%',
    },
    ...options.more?.(sample),
  }
  const config = keep('crossfade.yaml', stringify(document))
  const operators = `http://${listen.operators}`
  const system: FlagSystem = {
    secrets: makeSecretsClient(makeSend({ url: `http://${listen.clients}`, token: client.token })),
    ops: makeOpsClient(makeSend({ url: operators, token: operator.token })),
    operators,
    tokenFile,
    config,
    document,
    start: async () => {
      child = startCrossfade(['serve', '--config', config, '--json', ...(options.argv ?? [])], folder)
      await serving(child)
    },
    stop: () => end('SIGTERM'),
    signal: (name) => {
      child?.kill(name)
    },
    metric: async (name, label = '') => {
      const text = await (await fetch(`${operators}/metrics`)).text()
      const lines = text.split('\n').filter((line) => line.startsWith(name) && line.includes(label))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    // Another process: there is no event to await, and asking without a pause would take its processor.
    until: async (isSo) => {
      while (!(await isSo())) await systemClock.sleep(100)
    },
  }
  return system
}

const bare = (url: string): string => {
  const without = new URL(url)
  without.password = ''
  return without.href
}

async function serving(child: ReturnType<typeof startCrossfade>): Promise<void> {
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with ${code}: ${said}`)
  })
  // With --json a fault is a line, too.
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string]
  if (!line.startsWith('{"serving"')) throw new Error(line)
  ended.catch(() => {})
}
