import { setTimeout as delay } from 'node:timers/promises'

/** Time as an argument, so that tests and the simulation drive it. */
export interface Clock {
  /** Milliseconds that only ever grow and never jump; for leases, deadlines and latencies. */
  monotonic(): number
  /** Milliseconds since the epoch, for people; never for a decision about safety. */
  wall(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
}
