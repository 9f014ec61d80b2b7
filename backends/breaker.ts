/**
 * Opens after so many failures of a store in a row; from then on its calls are refused at once, until a ping of our own
 * says that it answers again. cockatiel alone would send the next call of a client to find that out, and let all others wait
 * for what it finds (`executeHalfOpen`): with a store that hangs, each of them would wait a whole deadline, after every reset.
 *
 * A ping may succeed where calls do not (a table that is locked). So after it a single call is let through, the others are
 * refused as long as it takes, and if it fails the breaker is open again.
 *
 * The first ping is sent soon, the next ones ever later: a stall of this process (a pause, a busy machine) ends all its
 * calls at once and looks like a store that hangs, and it shall not cost a whole reset.
 */
import type { IBreaker } from 'cockatiel'
import { CircuitState, circuitBreaker, handleWhenResult } from 'cockatiel'
import type { Clock } from '../core/clock.ts'

export interface Attempted {
  /** The store failed; what the breaker counts. */
  readonly failed: boolean
}

export interface Breaker {
  /** The answer of `call`, or null if it was refused, at once. */
  attempt<T extends Attempted>(call: () => Promise<T>): Promise<T | null>
  /** Pings no more. */
  close(): void
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number
  /** Longest that it waits between two pings while it is open, in ms. */
  readonly reset: number
  /** Bounded in time; never rejects. */
  readonly ping: () => Promise<Attempted>
  readonly clock: Clock
  readonly onState: (state: BreakerState) => void
}

export type BreakerState = 'closed' | 'open' | 'trying'

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'trying',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
}

const FIRST_PING_MS = 100

export function makeBreaker({ failures, reset, ping, clock, onState }: BreakerOptions): Breaker {
  const closed = new AbortController()
  const circuit = circuitBreaker(
    handleWhenResult((result) => (result as Attempted).failed),
    // Only our ping is sent while it is open, and when, is said below.
    { halfOpenAfter: 0, breaker: inARow(failures) },
  )
  /** Until the next ping; it starts anew only when a call was answered. */
  let pause = Math.min(FIRST_PING_MS, reset)
  const pingUntilBack = async (): Promise<void> => {
    do {
      await clock.sleep(pause, closed.signal)
      pause = Math.min(pause * 2, reset)
    } while ((await circuit.execute(ping)).failed)
  }
  let last: BreakerState = 'closed'
  onState(last)
  circuit.onStateChange((state) => {
    const before = last
    last = STATES[state]
    onState(last)
    // One that opens again after a ping is still being pinged.
    if (before === 'closed') pingUntilBack().catch(() => undefined)
  })
  /** After a ping: nobody knows yet whether calls are answered. */
  let trial: 'none' | 'due' | 'sent' = 'none'
  circuit.onReset(() => {
    trial = 'due'
  })
  const tryOne = async <T extends Attempted>(call: () => Promise<T>): Promise<T> => {
    trial = 'sent'
    try {
      const answer = await circuit.execute(call)
      if (!answer.failed) pause = Math.min(FIRST_PING_MS, reset)
      return answer
    } finally {
      trial = 'none'
    }
  }
  return {
    attempt: async (call) => {
      if (circuit.state !== CircuitState.Closed || trial === 'sent') return null
      return trial === 'due' ? tryOne(call) : circuit.execute(call)
    },
    close: () => closed.abort(),
  }
}

/** Failures in a row; a ping that succeeded leaves room for none. */
function inARow(threshold: number): IBreaker {
  let failures = 0
  return {
    state: null,
    success: (state) => {
      failures = state === CircuitState.HalfOpen ? threshold - 1 : 0
    },
    failure: () => {
      failures += 1
      return failures >= threshold
    },
  }
}
