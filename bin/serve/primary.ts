import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import type { Clock } from '../../core/clock.ts'
import { untilAbortedOr } from '../../core/until-aborted.ts'
import type { Log } from '../../proxy/http/front.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from './faults.ts'
import { listen } from './listen.ts'
import { makePrimaryMetrics } from './metrics.ts'
import { makePrimaryFront } from './primary-front.ts'
import { makeWorkers } from './workers.ts'

/** The process that starts the workers and answers for all of them on the operators' port; it serves no client itself. */
export interface Primary {
  readonly clients: string
  readonly operators: string
  /** Every worker reads the configuration again, and says what came of it. */
  reload(): void
  stop(): Promise<void>
}

export interface PrimaryOptions {
  readonly config: CrossfadeConfig
  readonly count: number
  readonly argv: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

/** Rejects with `bus-required`, `port-taken`, `worker-failed`, or the signal's reason. */
export async function startPrimary(options: PrimaryOptions): Promise<Primary> {
  const { config, count } = options
  if (config.bus === undefined) throw serveFault('bus-required', `${count} workers, and the configuration has no bus`)
  const registry = new Registry()
  const metrics = makePrimaryMetrics(registry)
  const workers = makeWorkers({
    ...options,
    patience: config.shutdown_deadline,
    onRestart: (number, exit) => {
      metrics.restarts.inc()
      options.note(`worker ${number} ended with ${exit} and is started again`)
    },
  })
  metrics.workers.set(count)
  const front = await makePrimaryFront({ workers: workers.all, registry, log: options.log, newId: randomUUID })
  const stop = async (): Promise<void> => {
    await workers.stop()
    front.server.closeAllConnections()
    await front.close()
  }
  try {
    const operators = await listen(front, config.listen.operators.address, 'operators')
    const { clients } = await untilAbortedOr(options.signal, workers.start())
    return { clients, operators, reload: workers.reload, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
