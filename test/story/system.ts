import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { readSecretFile } from '../../backends/key-file.ts'
import { startNode } from '../../bench/process.ts'
import { makeSend, type Send } from '../../bin/cli/http.ts'
import { makeOpsClient, type OpsClient } from '../../bin/cli/ops-client.ts'
import { makeSecretsClient, type SecretsClient } from '../../bin/cli/secrets-client.ts'
import { readToken } from '../../bin/cli/token.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { type RunFile, readRunFile } from '../../bin/embedded/run-file.ts'
import { makeDatabase } from '../../ledger/postgres/database.ts'
import { type DebtCount, readDebts } from '../../ledger/postgres/owing.ts'
import { PROJECT } from '../support/project.ts'

/** A Crossfade of its own, started as its users start it, and the database of its legacy store. */
export interface StorySystem {
  readonly secrets: SecretsClient
  readonly ops: OpsClient
  /** Straight into the legacy database, behind Crossfade's back. */
  readonly legacy: pg.Pool
  /** Debts by integration and fresh side, as the ledger has them now. */
  debts(): Promise<readonly DebtCount[]>
  /** Stops the process and removes all of its data. */
  stop(): Promise<void>
}

const ANY_PORT = '127.0.0.1:0'

export async function startSystem(secrets: number, signal: AbortSignal): Promise<StorySystem> {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-story-'))
  // As root, the user that PostgreSQL runs as must get in.
  chmodSync(folder, 0o711)
  const remove = async (): Promise<void> => rmSync(folder, { recursive: true, force: true })
  // Undone in the reverse order, all of it, whatever fails.
  const undo = [remove]
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop())
      await step().catch((error: unknown) => console.error(error))
  }
  try {
    const started = await serve(join(folder, 'data'), secrets, signal)
    undo.push(started.stop)
    const connected = connect(started.ready, signal)
    undo.push(connected.close)
    return { ...connected, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function serve(data: string, secrets: number, signal: AbortSignal) {
  const where = ['--data', data, '--clients', ANY_PORT, '--operators', ANY_PORT, '--secrets', String(secrets)]
  return startNode({
    argv: [join(PROJECT, 'bin', 'crossfade.js'), 'serve', '--embedded', ...where, '--json'],
    ready: () => readRunFile(dataPaths(data).runFile),
    signal,
  })
}

function connect(run: RunFile, signal: AbortSignal) {
  const config = loadConfig(run.config, process.env)
  const { ledger, stores } = config
  const legacyStore = stores[config.integrations['aws']?.legacy ?? '']
  if (legacyStore?.kind !== 'postgres') throw new Error('the embedded legacy store is a PostgreSQL table')
  const legacy = new pg.Pool({ connectionString: withPassword(legacyStore.url, legacyStore.password_file), max: 2 })
  // A pool says that it has ended before its last connection is closed, and the server may stop first: no failure.
  legacy.on('error', () => undefined)
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
      await Promise.all([legacy.end(), database.close()])
    },
  }
}

function withPassword(url: string, file: string | undefined): string {
  const target = new URL(url)
  if (file !== undefined) target.password = encodeURIComponent(readSecretFile(file))
  return target.href
}
