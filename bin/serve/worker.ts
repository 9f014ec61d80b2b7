import cluster from 'node:cluster'
import { type FromWorker, toWorker, WORKER_NUMBER } from './worker-messages.ts'

/** This process as one of several that another one started; null in any other process. */
export interface WorkerRole {
  /** From 1. */
  readonly number: number
  /** Aborted when it shall drain and end. */
  readonly stop: AbortSignal
  /** Its operators' port is reached through the one that started it. */
  readonly operators: { readonly host: string; readonly port: number }
  /** Called whenever it shall read its configuration again. */
  onReload(work: () => Promise<void>): void
  serving(addresses: { readonly clients: string; readonly operators: string }): void
}

export function workerRole(env: Readonly<NodeJS.ProcessEnv>): WorkerRole | null {
  const number = Number(env[WORKER_NUMBER])
  if (!cluster.isWorker || !Number.isInteger(number)) return null
  const controller = new AbortController()
  let reload: () => Promise<void> = async () => {}
  let reloading: Promise<void> = Promise.resolve()
  process.on('message', (message: unknown) => {
    const told = toWorker.safeParse(message)
    if (told.data?.crossfade === 'stop') controller.abort(new Error('stopped'))
    if (told.data?.crossfade === 'reload') reloading = reloading.then(() => reload())
  })
  // A terminal that closes sends it to the whole group; this one goes by what the other process says.
  process.on('SIGHUP', () => undefined)
  // It ends when it has nothing left to do, not when the channel to the other process closes.
  process.channel?.unref()
  return {
    number,
    stop: controller.signal,
    onReload: (work) => {
      reload = work
    },
    operators: { host: '127.0.0.1', port: 0 },
    serving: ({ clients, operators }) => {
      process.send?.({ crossfade: 'serving', clients, operators } satisfies FromWorker)
    },
  }
}
