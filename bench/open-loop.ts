import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Shot, send } from './load.ts'

export interface OpenLoopOptions {
  readonly url: string
  /** Requests a second that are begun, whatever became of those before. */
  readonly perSecond: number
  readonly ms: number
  readonly next: () => Shot
  /** From 0 to 1, evenly spread; for the time between two requests. */
  readonly random: () => number
  readonly signal: AbortSignal
}

/** One request; times in ms of `performance.now()`. */
export interface Arrival {
  readonly method: Shot['method']
  /** When it should have been sent, and when it was answered. */
  readonly due: number
  readonly answered: number
  /** 2xx, and all of the body came. */
  readonly ok: boolean
}

/** Connections at most; one more would only wait at the server. */
const CONNECTIONS = 256

/**
 * An open loop: requests arrive as from many independent callers (the gaps are exponential), and one that is slow holds up
 * none after it. Latency counts from when a request was due, not from when it was sent, so that a stall of the system, or
 * of this process, is not left out ("coordinated omission").
 */
export const openLoop = async (options: OpenLoopOptions): Promise<readonly Arrival[]> => {
  const { perSecond, ms, next, random, signal } = options
  const { hostname, port } = new URL(options.url)
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const arrivals: Promise<Arrival>[] = []
  const arrive = async (due: number): Promise<Arrival> => {
    const shot = next()
    const ok = await send({ agent, hostname, port }, shot)
    return { method: shot.method, due, answered: performance.now(), ok }
  }
  const end = performance.now() + ms
  try {
    for (let due = performance.now(); due < end; due += (-Math.log(1 - random()) * 1000) / perSecond) {
      const early = due - performance.now()
      if (early > 0) await delay(early, undefined, { signal })
      arrivals.push(arrive(due))
    }
    return await Promise.all(arrivals)
  } finally {
    agent.destroy()
  }
}
