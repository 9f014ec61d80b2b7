import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { parse, stringify } from 'yaml'
import { readSecretFile } from '../../backends/key-file.ts'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { SAMPLE_INTEGRATIONS } from '../../bin/embedded/sample/integrations.ts'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import type { Run } from '../../proxy/ops/work.ts'
import { dataFolder } from '../crossfade.ts'
import { fillLegacy } from '../fill-legacy.ts'
import { startNode } from '../process.ts'
import type { Bench, System } from '../scenario.ts'
import { startStoresWith } from './ledger-stores.ts'

const FRONT_DOOR = fileURLToPath(new URL('../../bin/crossfade.js', import.meta.url))

/** What clients read and write. */
export const SERVED = 'aws'
/** Those that are copied, one after another: each backfill needs one that was not. */
export const COPIED = SAMPLE_INTEGRATIONS.filter(({ name, shape }) => name !== SERVED && shape === 'bytes').map(
  ({ name }) => name,
)

/** The stores, with so many secrets in each integration that is copied. */
export const startFilled = async (bench: Bench): Promise<System> => {
  const stores = await startStoresWith(bench, SAMPLE_DEFAULTS.secrets)
  const { url, password_file } = parse(readFileSync(stores.url, 'utf8')).stores.homegrown
  const target = new URL(url)
  target.password = encodeURIComponent(readSecretFile(password_file))
  const legacy = new pg.Client({ connectionString: target.href })
  await legacy.connect()
  try {
    for (const name of COPIED) await fillLegacy(legacy, name, bench.secrets)
    await legacy.query(`vacuum analyze ${LEGACY_TABLE}`)
    await legacy.query('checkpoint')
  } finally {
    await legacy.end()
  }
  return stores
}

export interface PaceSystem extends System {
  readonly ops: OpsClient
  /** The numbers of its metrics page whose line begins so, by what follows. */
  metrics(start: string): Promise<ReadonlyMap<string, number>>
}

/** One proxy process that serves and works, as its users start it. */
export const startProxy = async (bench: Bench, started: ReadonlyMap<string, System>): Promise<PaceSystem> => {
  const paths = dataPaths(dataFolder(bench))
  const config = parse(readFileSync((started.get('stores') as System).url, 'utf8'))
  const file = join(bench.folder, 'pace.yaml')
  config.listen.clients.address = `127.0.0.1:${await freePort()}`
  config.listen.operators.address = `127.0.0.1:${await freePort()}`
  writeFileSync(file, stringify(config), { mode: 0o600 })
  const { stop } = await startNode({
    argv: [FRONT_DOOR, 'serve', '--config', file, '--json'],
    ready: (line) => (line.startsWith('{"serving"') ? line : null),
    signal: bench.signal,
  })
  const operators = `http://${config.listen.operators.address}`
  return {
    url: `http://${config.listen.clients.address}`,
    headers: { authorization: `Bearer ${readToken(paths.tokenFiles.client)}` },
    ops: makeOpsClient(makeSend({ url: operators, token: readToken(paths.tokenFiles.operator) })),
    metrics: (start) => readMetrics(`${operators}/metrics`, start),
    stop,
  }
}

const readMetrics = async (url: string, start: string): Promise<ReadonlyMap<string, number>> => {
  const page = await (await fetch(url)).text()
  const lines = page.split('\n').filter((line) => line.startsWith(start))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

const POLL_MS = 100

export const progressOf = async ({ ops }: PaceSystem, integration: string, signal: AbortSignal): Promise<Run | null> =>
  (await ops.call('progress', { params: { integration } }, signal)).run

export const startMigration = async ({ ops }: PaceSystem, integration: string, signal: AbortSignal): Promise<void> => {
  await ops.call('migrate', { body: { integration, execute: true, reason: 'bench' } }, signal)
}

/** Resolves when the run has come so far; rejects when it failed. */
export const untilRun = async (
  system: PaceSystem,
  integration: string,
  isThere: (run: Run) => boolean,
  signal: AbortSignal,
): Promise<Run> => {
  for (;;) {
    const run = await progressOf(system, integration, signal)
    if (run !== null && isThere(run)) return run
    if (run !== null && run.ended_at !== null) throw new Error(`migrate ended ${run.outcome}: ${run.message}`)
    await delay(POLL_MS, undefined, { signal })
  }
}
