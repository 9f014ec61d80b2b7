import cluster, { type Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../core/clock.ts'
import { serveFault } from './faults.ts'
import { type FromWorker, fromWorker, type ToWorker, WORKER_NUMBER } from './worker-messages.ts'

/*
 * Several processes on one machine behind one port for clients. Each is a whole replica with a lease of its own, so that
 * one that dies is for the others what any other replica is. One that ends without being told to is started again,
 * after a wait that grows while it keeps ending.
 */
export interface Workers {
  /** Resolves when all of them serve. Rejects with `worker-failed` if one ends before. */
  start(): Promise<{ readonly clients: string }>
  /** By number, from 1; null while it is not there. */
  all(): readonly (FromWorker | null)[]
  /** Tells each that is there; one that starts later reads the file anyway. */
  reload(): void
  /** All of them drain and end; those that do not within `patience` ms are killed. */
  stop(): Promise<void>
}

export interface WorkersOptions {
  readonly count: number
  /** Arguments of the command line that a worker is started with. */
  readonly argv: readonly string[]
  readonly clock: Clock
  /** ms that a worker has to drain. */
  readonly patience: number
  readonly onRestart: (number: number, exit: number | null) => void
}

const FIRST_WAIT_MS = 100
const MOST_WAIT_MS = 10_000
/** One that served for so long starts anew with a short wait. */
const SETTLED_MS = 30_000

/** As it was started itself: the sources in a clone, what tsc made of them in a package. */
const PROGRAM = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url))

interface Slot {
  readonly number: number
  worker: Worker | null
  serving: FromWorker | null
  since: number
  wait: number
}

export function makeWorkers(options: WorkersOptions): Workers {
  const { count, clock } = options
  const slots: Slot[] = Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    worker: null,
    serving: null,
    since: 0,
    wait: FIRST_WAIT_MS,
  }))
  const stopping = new AbortController()
  const first = Promise.withResolvers<{ clients: string }>()
  let allServed = false

  const launch = (slot: Slot): void => {
    const worker = cluster.fork({ [WORKER_NUMBER]: String(slot.number) })
    slot.worker = worker
    worker.on('message', (message: unknown) => {
      const told = fromWorker.safeParse(message)
      if (told.success) onServing(slot, told.data)
    })
    worker.on('exit', (code) => onExit(slot, code))
  }

  const onServing = (slot: Slot, told: FromWorker): void => {
    slot.serving = told
    slot.since = clock.monotonic()
    if (slots.some(({ serving }) => serving === null)) return
    allServed = true
    first.resolve({ clients: told.clients })
  }

  const onExit = (slot: Slot, code: number | null): void => {
    const settled = slot.serving !== null && clock.monotonic() - slot.since > SETTLED_MS
    slot.worker = null
    slot.serving = null
    if (stopping.signal.aborted) return
    // What stops one at its first start would stop it again: a wrong configuration, a port that is taken.
    if (!allServed) first.reject(serveFault('worker-failed', `worker ${slot.number} ended with ${code}`))
    else startAgain(slot, code, settled)
  }

  const startAgain = (slot: Slot, code: number | null, settled: boolean): void => {
    options.onRestart(slot.number, code)
    slot.wait = settled ? FIRST_WAIT_MS : Math.min(slot.wait * 2, MOST_WAIT_MS)
    void clock.sleep(slot.wait, stopping.signal).then(
      () => launch(slot),
      () => undefined,
    )
  }

  const ended = (worker: Worker): Promise<void> =>
    new Promise((resolve) => {
      if (worker.isDead()) resolve()
      else worker.once('exit', () => resolve())
    })

  const stopOne = async (worker: Worker): Promise<void> => {
    const done = new AbortController()
    const end = ended(worker).finally(() => done.abort())
    if (worker.isConnected()) worker.send({ crossfade: 'stop' } satisfies ToWorker, () => undefined)
    const late = clock.sleep(options.patience, done.signal).then(
      () => worker.process.kill('SIGKILL'),
      () => undefined,
    )
    await Promise.all([end, late])
  }

  return {
    start: () => {
      cluster.setupPrimary({ exec: PROGRAM, args: [...options.argv] })
      for (const slot of slots) launch(slot)
      return first.promise
    },
    all: () => slots.map(({ serving }) => serving),
    reload: () => {
      for (const { worker } of slots) {
        if (worker?.isConnected()) worker.send({ crossfade: 'reload' } satisfies ToWorker, () => undefined)
      }
    },
    stop: async () => {
      stopping.abort()
      first.promise.catch(() => undefined)
      await Promise.all(slots.flatMap(({ worker }) => (worker === null ? [] : [stopOne(worker)])))
    },
  }
}
