import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import type { StoreConfig } from '../../backends/config.ts'
import { makeSend } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { freePort } from '../../bin/embedded/free-port.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import { makeFlagFile } from '../../flags/flag-file.ts'
import { dataFolder } from '../crossfade.ts'
import { startNode } from '../process.ts'
import type { Bench, System } from '../scenario.ts'
import { startStoresWith } from './ledger-stores.ts'

const RELAY = fileURLToPath(new URL('./isolation-relay.ts', import.meta.url))
const FRONT_DOOR = fileURLToPath(new URL('../../bin/crossfade.js', import.meta.url))

export const INTEGRATION = 'aws'
/** Reads legacy, writes legacy first, and reads new behind every reply: more of new than any other legacy-first phase. */
const PHASE = 'shadow'
/** The new store's name in the configuration of the embedded system. */
const NEW = 'vaulted'

export const startSampleStores = (bench: Bench): Promise<System> => startStoresWith(bench, SAMPLE_DEFAULTS.secrets)

/** Between Crossfade and its new store. */
export interface RelaySystem extends System {
  readonly port: number
}

export const startRelayTo = async (bench: Bench, started: ReadonlyMap<string, System>): Promise<RelaySystem> => {
  const { stores } = loadConfig((started.get('stores') as System).url, process.env)
  const { ready, stop } = await startNode({
    argv: [RELAY, new URL(urlOf(stores[NEW])).port],
    ready: (line) => (line.startsWith('{') ? (JSON.parse(line) as { url: string; port: number }) : null),
    signal: bench.signal,
  })
  return { ...ready, headers: {}, stop }
}

const urlOf = (store: StoreConfig | undefined): string => {
  if (store === undefined || !('url' in store))
    throw new Error(`the embedded configuration has no ${NEW} on PostgreSQL`)
  return store.url
}

export interface ProxySystem extends System {
  readonly ops: OpsClient
  /** ms: what the new store may take of each call. */
  readonly deadline: number
  /** The number on this line of its metrics page; null if there is no such line. */
  metric(line: string): Promise<number | null>
}

/** One proxy process with one integration copied and in `shadow`. */
export const startProxy = async (bench: Bench, started: ReadonlyMap<string, System>): Promise<ProxySystem> => {
  const paths = dataPaths(dataFolder(bench))
  const config = parse(readFileSync((started.get('stores') as System).url, 'utf8'))
  const file = join(bench.folder, 'isolation.yaml')
  config.listen.clients.address = `127.0.0.1:${await freePort()}`
  config.listen.operators.address = `127.0.0.1:${await freePort()}`
  const through = new URL(config.stores[NEW].url)
  through.port = String((started.get('relay') as RelaySystem).port)
  config.stores[NEW].url = through.href
  // The embedded system is patient, since its machine may be slow; here both stores have what they have by default.
  for (const store of Object.values<{ deadline?: string }>(config.stores)) delete store.deadline
  writeFileSync(file, stringify(config), { mode: 0o600 })
  const { stop } = await startNode({
    argv: [FRONT_DOOR, 'serve', '--config', file, '--json'],
    ready: (line) => (line.startsWith('{"serving"') ? line : null),
    signal: bench.signal,
  })
  try {
    const operators = `http://${config.listen.operators.address}`
    const ops = makeOpsClient(makeSend({ url: operators, token: readToken(paths.tokenFiles.operator) }))
    await migrate(ops, bench.signal)
    await makeFlagFile(paths.flags).set([{ integration: INTEGRATION, phase: PHASE }])
    return {
      url: `http://${config.listen.clients.address}`,
      headers: { authorization: `Bearer ${readToken(paths.tokenFiles.client)}` },
      ops,
      deadline: loadConfig(file, process.env).stores[NEW]?.deadline ?? Number.NaN,
      metric: (line) => readMetric(`${operators}/metrics`, line),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const POLL_MS = 100

const migrate = async (ops: OpsClient, signal: AbortSignal): Promise<void> => {
  await ops.call('migrate', { body: { integration: INTEGRATION, execute: true, reason: 'bench' } }, signal)
  for (;;) {
    const { run } = await ops.call('progress', { params: { integration: INTEGRATION } }, signal)
    if (run?.outcome === 'done') return
    if (run !== null && run.ended_at !== null) throw new Error(`migrate ended ${run.outcome}: ${run.message}`)
    await delay(POLL_MS, undefined, { signal })
  }
}

/** Resolves when every cohort runs the phase. */
export const untilPhase = async ({ ops }: ProxySystem, signal: AbortSignal): Promise<void> => {
  for (;;) {
    const { integrations } = await ops.call('status', { query: {} }, signal)
    const own = integrations.find(({ integration }) => integration === INTEGRATION)
    if (own?.cohorts.every(({ effective }) => effective === PHASE)) return
    await delay(POLL_MS, undefined, { signal })
  }
}

/** Resolves when the breaker of the new store is closed and no side owes anything. */
export const untilMended = async ({ ops, metric }: ProxySystem, signal: AbortSignal): Promise<void> => {
  for (;;) {
    const { integrations } = await ops.call('status', { query: {} }, signal)
    const counts = integrations.find(({ integration }) => integration === INTEGRATION)?.counts
    if (counts && counts.left + counts.owing === 0 && (await metric(BREAKER)) === 0) return
    await delay(POLL_MS, undefined, { signal })
  }
}

export const BREAKER = `crossfade_store_breaker_open{store="${NEW}"}`

const readMetric = async (url: string, line: string): Promise<number | null> => {
  const page = await (await fetch(url)).text()
  const found = page.split('\n').find((each) => each.startsWith(`${line} `))
  return found === undefined ? null : Number(found.slice(line.length + 1))
}
