import { hostname } from 'node:os'
import pino from 'pino'
import { isFault } from '../../core/fault.ts'
import { untilAborted } from '../../core/until-aborted.ts'
import { type Exit, exitOfFault } from '../cli/exit-codes.ts'
import { makeSend } from '../cli/http.ts'
import type { Io } from '../cli/io.ts'
import { makeReport, type Report } from '../cli/report.ts'
import { makeSecretsClient } from '../cli/secrets-client.ts'
import { readToken } from '../cli/token.ts'
import { version } from '../cli/version.ts'
import { loadConfig } from '../config/load.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { dataDirectory } from '../embedded/paths.ts'
import { removeRunFile, writeRunFile } from '../embedded/run-file.ts'
import { SAMPLE_DEFAULTS } from '../embedded/sample/secrets.ts'
import { startTraffic, type Traffic } from '../embedded/sample/traffic.ts'
import { type EmbeddedSystem, startEmbedded } from '../embedded/system.ts'
import { type Application, startApplication } from './application.ts'
import { serveFault } from './faults.ts'
import { onHangup } from './hangup.ts'
import { type Primary, startPrimary } from './primary.ts'
import { describeReload } from './reload.ts'
import { tellSeeded } from './seeding.ts'
import { type WorkerRole, workerRole } from './worker.ts'

export interface ServeOptions {
  readonly embedded: boolean
  /** The configuration to serve; null with `embedded`. */
  readonly config: string | null
  readonly data: string | null
  readonly traffic: boolean
  readonly worker: boolean
  /** Processes that share the port for clients. */
  readonly workers: number
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
  const role = workerRole(io.env)
  if (options.workers > 1 && role === null) return serveWithWorkers(options, io)
  return serveHere(options, role === null ? io : { ...io, signal: AbortSignal.any([io.signal, role.stop]) }, role)
}

/** This process only starts others, and answers operators for them. */
async function serveWithWorkers(options: ServeOptions, io: Io): Promise<Exit> {
  const report = makeReport(io, options.json)
  let primary: Primary | null = null
  try {
    if (options.config === null) throw serveFault('bus-required', 'the embedded system has none')
    const { workers, config: path } = options
    primary = await startPrimary({
      config: loadConfig(path, io.env),
      count: workers,
      argv: ['serve', '--config', path, '--workers', String(workers), ...(options.worker ? [] : ['--no-worker'])],
      clock: io.clock,
      log: logTo(io),
      note: (text) => report.note(text),
      signal: io.signal,
    })
    const { clients, operators } = primary
    // A worker hears it by the channel: the signal is sent to this process alone, or by a terminal to all of them.
    onHangup(async () => primary?.reload(), io.signal)
    report.object({ serving: { clients, operators, config: path, pid: process.pid, workers } })
    await untilAborted(io.signal)
    report.note('stopping: requests on their way are answered')
    return 'ok'
  } catch (error) {
    return endOf(error, io, report)
  } finally {
    await primary?.stop()
  }
}

async function serveHere(options: ServeOptions, io: Io, role: WorkerRole | null): Promise<Exit> {
  const report = makeReport(io, options.json)
  const log = logTo(io)
  let system: EmbeddedSystem | null = null
  let application: Application | null = null
  let traffic: Traffic | null = null
  try {
    if (options.embedded) system = await bring(options, io, (text) => report.note(text))
    const path = system?.paths.config ?? (options.config as string)
    const config = loadConfig(path, io.env)
    application = await startApplication({
      config,
      clock: io.clock,
      log,
      name: options.embedded ? 'embedded' : nameOf(config, role),
      worker: options.worker,
      version: version(),
      signal: io.signal,
      ...(role === null ? {} : { operators: role.operators }),
    })
    const again = async (): Promise<void> => {
      const told = await application?.reload(() => loadConfig(path, io.env))
      if (told !== undefined) report.note(`${role === null ? '' : `worker ${role.number}: `}${describeReload(told)}`)
    }
    // The embedded system ends with its terminal.
    if (role !== null) role.onReload(again)
    else if (!options.embedded) onHangup(again, io.signal)
    if (system !== null) announce(system, application, (text) => report.note(text))
    const { clients, operators } = application
    if (role !== null) role.serving({ clients, operators })
    else report.object({ serving: { clients, operators, config: path, pid: process.pid } })
    if (system !== null && options.traffic) traffic = load(system, application, io)
    await untilAborted(io.signal)
    if (role === null) report.note('stopping: requests on their way are answered')
    return 'ok'
  } catch (error) {
    return endOf(error, io, report)
  } finally {
    await traffic?.stop()
    await application?.stop()
    if (system !== null) removeRunFile(system.paths.runFile)
    await system?.postgres.stop()
  }
}

const logTo = (io: Io) =>
  pino({ base: null, level: io.env['CROSSFADE_LOG'] ?? 'warn' }, { write: (line: string) => io.stderr.write(line) })

/** Unique among the processes of one ledger: a port of a machine is one process's, and workers are numbered. */
function nameOf({ listen: { clients } }: CrossfadeConfig, role: WorkerRole | null): string {
  const { port } = clients.address
  return `${hostname()}:${port === 0 ? `any-${role === null ? process.pid : process.ppid}` : port}${role === null ? '' : `#${role.number}`}`
}

function bring({ data, clients, operators, secrets }: ServeOptions, io: Io, note: (text: string) => void) {
  const dataDir = dataDirectory(data ?? undefined, io.env)
  note(`starting PostgreSQL in ${dataDir}`)
  const seeding = { signal: io.signal, onSeeded: tellSeeded({ total: secrets, clock: io.clock, note }) }
  return startEmbedded({ dataDir, listen: { clients, operators }, sample: { secrets }, seeding, log: () => undefined })
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
  operators  ${operators}    a page for a browser; tokens ${paths.tokenFiles.viewer}, ${paths.tokenFiles.operator}
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

/** How a start that failed ends; what is no fault is a bug and goes on. */
function endOf(error: unknown, io: Io, report: Report): Exit {
  if (io.signal.aborted) return 'interrupted'
  if (!isFault(error)) throw error
  report.fault(error)
  return exitOfFault(error)
}
