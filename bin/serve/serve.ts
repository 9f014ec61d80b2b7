import { hostname } from 'node:os'
import pino from 'pino'
import { isFault } from '../../core/fault.ts'
import { type Exit, exitOfFault } from '../cli/exit-codes.ts'
import { makeSend } from '../cli/http.ts'
import type { Io } from '../cli/io.ts'
import { makeReport } from '../cli/report.ts'
import { makeSecretsClient } from '../cli/secrets-client.ts'
import { readToken } from '../cli/token.ts'
import { version } from '../cli/version.ts'
import { loadConfig } from '../config/load.ts'
import { dataDirectory } from '../embedded/paths.ts'
import { removeRunFile, writeRunFile } from '../embedded/run-file.ts'
import { SAMPLE_DEFAULTS } from '../embedded/sample/secrets.ts'
import { startTraffic, type Traffic } from '../embedded/sample/traffic.ts'
import { type EmbeddedSystem, startEmbedded } from '../embedded/system.ts'
import { type Application, startApplication } from './application.ts'

export interface ServeOptions {
  readonly embedded: boolean
  /** The configuration to serve; null with `embedded`. */
  readonly config: string | null
  readonly data: string | null
  readonly traffic: boolean
  readonly worker: boolean
  /** host:port of the embedded system's listeners. */
  readonly clients: string
  readonly operators: string
  /** Sample secrets made at the first start of an embedded system. */
  readonly secrets: number
  readonly json: boolean
}

/** Requests a second of the sample load. */
const TRAFFIC = { rate: 50, concurrency: 16 } as const

/** The program `serve`: until Ctrl-C or SIGTERM. */
export async function serve(options: ServeOptions, io: Io): Promise<Exit> {
  const report = makeReport(io, options.json)
  const log = pino(
    { base: null, level: io.env['CROSSFADE_LOG'] ?? 'warn' },
    { write: (line: string) => io.stderr.write(line) },
  )
  let system: EmbeddedSystem | null = null
  let application: Application | null = null
  let traffic: Traffic | null = null
  try {
    if (options.embedded) system = await bring(options, io, (text) => report.note(text))
    const path = system?.paths.config ?? (options.config as string)
    const config = loadConfig(path, io.env)
    const name = options.embedded ? 'embedded' : `${hostname()}:${config.listen.clients.address.port}`
    application = await startApplication({
      config,
      clock: io.clock,
      log,
      name,
      worker: options.worker,
      version: version(),
      signal: io.signal,
    })
    if (system !== null) announce(system, application, (text) => report.note(text))
    report.object({
      serving: { clients: application.clients, operators: application.operators, config: path, pid: process.pid },
    })
    if (system !== null && options.traffic) traffic = load(system, application, io)
    await untilAborted(io.signal)
    report.note('stopping: requests on their way are answered')
    return 'ok'
  } catch (error) {
    if (io.signal.aborted) return 'interrupted'
    if (!isFault(error)) throw error
    report.fault(error)
    return exitOfFault(error)
  } finally {
    await traffic?.stop()
    await application?.stop()
    if (system !== null) removeRunFile(system.paths.runFile)
    await system?.postgres.stop()
  }
}

function bring({ data, clients, operators, secrets }: ServeOptions, io: Io, note: (text: string) => void) {
  const dataDir = dataDirectory(data ?? undefined, io.env)
  note(`starting PostgreSQL in ${dataDir}`)
  return startEmbedded({ dataDir, listen: { clients, operators }, sample: { secrets }, log: () => undefined })
}

/** Where everything is, and what to try; and the file by which the other verbs find it. */
function announce(
  { paths, secrets, seeded }: EmbeddedSystem,
  { clients, operators }: Application,
  note: (text: string) => void,
): void {
  writeRunFile(paths.runFile, {
    pid: process.pid,
    clients,
    operators,
    token_files: paths.tokenFiles,
    config: paths.config,
    flags: paths.flags,
  })
  note(`
Crossfade serves ${secrets} ${seeded ? 'new sample secrets' : 'secrets, found again'}.

  clients    ${clients}    token ${paths.tokenFiles.client}
  operators  ${operators}    tokens ${paths.tokenFiles.viewer}, ${paths.tokenFiles.operator}
  config     ${paths.config}
  flags      ${paths.flags}
  audit      ${paths.audit}

Try, in another terminal of this folder:

  npx crossfade status
  npx crossfade list github our-own-company
  npx crossfade migrate github --execute --reason "first cut-over"
  npx crossfade flags set github --cohort dogfood shadow --execute --reason "our own company first"
  npx crossfade explain github our-own-company
  npx crossfade rollback github

Ctrl-C stops it; the data stays.
`)
}

function load({ paths }: EmbeddedSystem, { clients }: Application, io: Io): Traffic {
  const client = makeSecretsClient(makeSend({ url: clients, token: readToken(paths.tokenFiles.client) }))
  return startTraffic({ client, sample: SAMPLE_DEFAULTS, ...TRAFFIC, clock: io.clock })
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
