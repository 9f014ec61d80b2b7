import type { Clock } from '../../core/clock.ts'

export interface DrivenClock extends Clock {
  /** Moves time and wakes who slept until then; resolves after they ran. */
  advance(ms: number): Promise<void>
}

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that stands until it is moved. */
export const makeDrivenClock = (start = 1_700_000_000_000): DrivenClock => {
  let now = start
  let sleepers: Sleeper[] = []
  return {
    monotonic: () => now,
    wall: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
        sleepers.push({ until: now + ms, wake: resolve })
      }),
    advance: async (ms) => {
      now += ms
      const due = sleepers.filter(({ until }) => until <= now)
      sleepers = sleepers.filter(({ until }) => until > now)
      for (const { wake } of due) wake()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
