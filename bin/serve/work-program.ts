import { hostname } from 'node:os'
import pino from 'pino'
import { isFault } from '../../core/fault.ts'
import { untilAborted } from '../../core/until-aborted.ts'
import { type Exit, exitOfFault } from '../cli/exit-codes.ts'
import type { Io } from '../cli/io.ts'
import { makeReport } from '../cli/report.ts'
import { version } from '../cli/version.ts'
import type { ListenAddress } from '../config/listen.ts'
import { loadConfig } from '../config/load.ts'
import { type Application, startApplication } from './application.ts'
import { serveFault } from './faults.ts'

export interface WorkOptions {
  readonly config: string
  /** For health, metrics and the operators' API; null: no port. */
  readonly operators: ListenAddress | null
  /** Of this process, in `workers list`; null: its machine and number. */
  readonly name: string | null
  readonly json: boolean
}

/** The program `worker`: does runs and settles debts, and serves nobody, until Ctrl-C or SIGTERM. */
export async function work(options: WorkOptions, io: Io): Promise<Exit> {
  const report = makeReport(io, options.json)
  const log = pino(
    { base: null, level: io.env['CROSSFADE_LOG'] ?? 'warn' },
    { write: (line: string) => io.stderr.write(line) },
  )
  let application: Application | null = null
  try {
    application = await startApplication({
      config: loadConfig(options.config, io.env),
      clock: io.clock,
      log,
      name: options.name ?? `${hostname()}:worker-${process.pid}`,
      worker: true,
      serves: false,
      version: version(),
      signal: io.signal,
      operators: options.operators,
    })
    const { operators } = application
    report.object({
      working: { operators: operators === '' ? null : operators, config: options.config, pid: process.pid },
    })
    await untilAborted(io.signal)
    report.note('stopping: what is begun is finished, the rest is left to others')
    return 'ok'
  } catch (error) {
    if (io.signal.aborted) return 'ok'
    const fault = isFault(error) ? error : serveFault('worker-failed', error instanceof Error ? error.name : 'unknown')
    report.fault(fault)
    return exitOfFault(fault)
  } finally {
    await application?.stop()
  }
}
