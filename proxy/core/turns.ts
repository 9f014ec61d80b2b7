import { type Address, addressKey } from '../../backends/secret.ts'
import type { Clock } from '../../core/clock.ts'
import { proxyFault } from '../faults.ts'
import type { Secrets } from '../operations.ts'

/*
 * Writers of one secret come one after the other, in the order in which they arrived: together they would make debts of each
 * other's clean writes, and conflicts at a store. Nothing is begun before a writer's turn, so whoever leaves the queue, or
 * waits for too long, has changed nothing. Each process has queues of its own; between processes the ledger's rules hold.
 */
/** Writers of one secret that may wait for each other, and for how long (ms). */
export const TURNS = { most: 500, patience: 20_000 } as const

export interface Turns {
  take<T>(address: Address, work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

export interface TurnsOptions {
  readonly clock: Clock
  /** Writers of one secret that may wait. */
  readonly most: number
  /** ms that each may wait. */
  readonly patience: number
}

interface Waiting {
  readonly go: () => void
}

export function makeTurns({ clock, most, patience }: TurnsOptions): Turns {
  /** Of secrets that are written now: who waits. */
  const queues = new Map<string, Waiting[]>()

  const leave = (key: string): void => {
    const next = queues.get(key)?.shift()
    if (next === undefined) queues.delete(key)
    else next.go()
  }

  /** Resolves when the turn has come; leaves the queue and rejects when the patience or the client has ended before. */
  const wait = async (queue: Waiting[], signal: AbortSignal | undefined): Promise<void> => {
    const called = Promise.withResolvers<void>()
    const waiting: Waiting = { go: called.resolve }
    queue.push(waiting)
    const over = new AbortController()
    const stops = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
    await Promise.race([called.promise, clock.sleep(patience, stops).catch(() => undefined)])
    over.abort()
    const at = queue.indexOf(waiting)
    if (at < 0) return
    queue.splice(at, 1)
    throw busy(`${at + 1} writers of this secret were still before this one`)
  }

  return {
    take: async (address, work, signal) => {
      const key = addressKey(address)
      const queue = queues.get(key)
      if (queue === undefined) queues.set(key, [])
      else if (queue.length >= most)
        throw proxyFault('too-many-writers', `${queue.length} writers of this secret wait already`, { retryAfter: 1 })
      else await wait(queue, signal)
      try {
        if (signal?.aborted) throw busy('its client has left')
        return await work()
      } finally {
        leave(key)
      }
    },
  }
}

const busy = (detail: string) => proxyFault('operation-in-progress', detail, { retryAfter: 1 })

/** The same operations, whose writes wait for their turn. */
export const inTurn = (secrets: Secrets, turns: Turns): Secrets => ({
  ...secrets,
  write: (address, secret, precondition, signal) =>
    turns.take(address, () => secrets.write(address, secret, precondition), signal),
  remove: (address, precondition, signal) => turns.take(address, () => secrets.remove(address, precondition), signal),
})
