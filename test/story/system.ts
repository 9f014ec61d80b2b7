import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { readSecretFile } from '../../backends/key-file.ts'
import { startNode } from '../../bench/process.ts'
import { makeSend, type Send } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { type RunFile, readRunFile } from '../../bin/embedded/run-file.ts'
import { SAMPLE_DEFAULTS, sampleSecrets } from '../../bin/embedded/sample/secrets.ts'
import { startEmbedded } from '../../bin/embedded/system.ts'
import { makeDatabase } from '../../ledger/postgres/database.ts'
import { type DebtCount, readDebts } from '../../ledger/postgres/owing.ts'
import type { Legacy } from '../pairs/legacy.ts'
import { openLegacyKv } from '../pairs/legacy-kv.ts'
import { openLegacyTable } from '../pairs/legacy-table.ts'
import { DEFAULT_PAIR, legacyOf, type PairName, withPair } from '../pairs/pair.ts'
import { type RunningPairBao, startPairBao } from '../pairs/pair-bao.ts'
import { PROJECT } from '../support/project.ts'

/** A Crossfade of its own, started as its users start it, and its legacy store. */
export interface StorySystem {
  readonly secrets: SecretsClient
  readonly ops: OpsClient
  readonly legacy: Legacy
  /** Debts by integration and fresh side, as the ledger has them now. */
  debts(): Promise<readonly DebtCount[]>
  /** Stops the process and removes all of its data. */
  stop(): Promise<void>
}

export interface SystemOptions {
  /** Of the sample. */
  readonly secrets: number
  readonly pair: PairName
}

/** What is to be undone at the end, the last first. */
type Undo = (() => Promise<void>)[]

type Running = Pick<RunFile, 'clients' | 'operators' | 'token_files' | 'config'>

const ANY_PORT = '127.0.0.1:0'
const FRONT_DOOR = join(PROJECT, 'bin', 'crossfade.js')

export async function startSystem(options: SystemOptions, signal: AbortSignal): Promise<StorySystem> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-story-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(folder, 0o711)
  const undo: Undo = [async () => rmSync(folder, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop())
      await step().catch((error: unknown) => console.error(error))
  }
  try {
    const connected = await (options.pair === DEFAULT_PAIR
      ? serveEmbedded(join(folder, 'data'), options, undo, signal)
      : servePair(folder, options, undo, signal))
    undo.push(connected.close)
    return { ...connected, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** As its users start it. */
async function serveEmbedded(data: string, { secrets }: SystemOptions, undo: Undo, signal: AbortSignal) {
  const where = ['--data', data, '--clients', ANY_PORT, '--operators', ANY_PORT, '--secrets', String(secrets)]
  const { ready, stop } = await startNode({
    argv: [FRONT_DOOR, 'serve', '--embedded', ...where, '--json'],
    ready: () => readRunFile(dataPaths(data).runFile),
    signal,
  })
  undo.push(stop)
  return connect(ready, openTable(ready.config), signal)
}

/** What is embedded is started here, with other stores; a process serves that, as one would in production. */
async function servePair(folder: string, { secrets, pair }: SystemOptions, undo: Undo, signal: AbortSignal) {
  const bao = await startPairBao(folder)
  undo.push(bao.stop)
  const isTable = legacyOf(pair) === 'postgres'
  const { paths, postgres } = await startEmbedded({
    dataDir: join(folder, 'data'),
    listen: { clients: ANY_PORT, operators: ANY_PORT },
    sample: { secrets: isTable ? secrets : 1 },
    log: () => undefined,
  })
  undo.push(() => postgres.stop())
  const config = join(folder, 'pair.yaml')
  const embedded = parse(readFileSync(paths.config, 'utf8'))
  writeFileSync(config, stringify(withPair(embedded, pair, { legacy: bao, new: bao })), { mode: 0o600 })
  const legacy = isTable ? openTable(config) : await fillKv(bao, secrets)
  const { ready, stop } = await startNode({
    argv: [FRONT_DOOR, 'serve', '--config', config, '--json'],
    ready: (line) => (line.startsWith('{"serving"') ? JSON.parse(line).serving : null),
    signal,
  })
  undo.push(stop)
  return connect({ ...ready, token_files: paths.tokenFiles, config }, legacy, signal)
}

async function fillKv(bao: RunningPairBao, secrets: number): Promise<Legacy> {
  const legacy = openLegacyKv(bao)
  await legacy.seed([...sampleSecrets({ ...SAMPLE_DEFAULTS, secrets })])
  return legacy
}

function openTable(config: string): Legacy {
  const { integrations, stores } = loadConfig(config, process.env)
  const store = stores[integrations['aws']?.legacy ?? '']
  if (store?.kind !== 'postgres') throw new Error('the embedded legacy store is a PostgreSQL table')
  return openLegacyTable(withPassword(store.url, store.password_file))
}

function connect(run: Running, legacy: Legacy, signal: AbortSignal) {
  const { ledger } = loadConfig(run.config, process.env)
  const database = makeDatabase({
    url: ledger.url,
    password: ledger.password_file === undefined ? undefined : readSecretFile(ledger.password_file),
    maxConnections: 1,
    statementTimeout: ledger.statement_timeout,
  })
  const sendTo = (url: string, tokenFile: string): Send => {
    const send = makeSend({ url, token: readToken(tokenFile) })
    return (request) => send({ signal, ...request })
  }
  return {
    secrets: makeSecretsClient(sendTo(run.clients, run.token_files.client)),
    ops: makeOpsClient(sendTo(run.operators, run.token_files.operator)),
    legacy,
    debts: () => readDebts(database),
    close: async () => {
      await Promise.all([legacy.close(), database.close()])
    },
  }
}

function withPassword(url: string, file: string | undefined): string {
  const target = new URL(url)
  if (file !== undefined) target.password = encodeURIComponent(readSecretFile(file))
  return target.href
}
