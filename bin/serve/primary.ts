import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { Registry } from 'prom-client'
import type { Clock } from '../../core/clock.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from './faults.ts'
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
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

/** ms that a worker has to drain: more than any request may take. */
const DRAIN_MS = 30_000

/** Rejects with `bus-required`, `port-taken`, `worker-failed`, or the signal's reason. */
export async function startPrimary(options: PrimaryOptions): Promise<Primary> {
  const { config, count } = options
  if (config.bus === undefined) throw serveFault('bus-required', `${count} workers, and the configuration has no bus`)
  const registry = new Registry()
  const metrics = makePrimaryMetrics(registry)
  const workers = makeWorkers({
    ...options,
    patience: DRAIN_MS,
    onRestart: (number, exit) => {
      metrics.restarts.inc()
      options.note(`worker ${number} ended with ${exit} and is started again`)
    },
  })
  metrics.workers.set(count)
  const front = makePrimaryFront({ workers: workers.all, registry })
  const stop = async (): Promise<void> => {
    await workers.stop()
    front.closeAllConnections()
    front.close()
  }
  try {
    const operators = await listen(front, config)
    const { clients } = await Promise.race([workers.start(), aborted(options.signal)])
    return { clients, operators, reload: workers.reload, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function listen(server: Server, { listen: { operators } }: CrossfadeConfig): Promise<string> {
  const { host, port } = operators.address
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw serveFault('port-taken', `${host}:${port} (listen.operators.address): ${code}`, { cause: error })
  }
  const address = server.address() as AddressInfo
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${shown.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]')}:${address.port}`
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
