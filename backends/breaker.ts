/**
 * Opens after so many failures of a store in a row; from then on its calls are refused at once, until a ping of our own
 * says that it answers again. cockatiel alone would send the next call of a client to find that out, and let all others wait
 * for what it finds (`executeHalfOpen`): with a store that hangs, each of them would wait a whole deadline, after every reset.
 *
 * A ping may succeed where calls do not (a table that is locked). So after it one failure opens the breaker again. Where that
 * has happened and `wary` is set, the next ping lets a single call through, and the others are refused as long as it takes.
 * Not after the first ping: most stores that answer one are back, and none of their callers shall be refused any more.
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
  /** After pings that said too much, one call at a time. */
  readonly wary: boolean
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

export function makeBreaker({ failures, reset, ping, wary, clock, onState }: BreakerOptions): Breaker {
  const closed = new AbortController()
  const circuit = circuitBreaker(
    handleWhenResult((result) => (result as Attempted).failed),
    // Only our ping is sent while it is open, and when, is said below.
    { halfOpenAfter: 0, breaker: inARow(failures) },
  )
  /** Until the next ping; it starts anew only when a call was answered. */
  let pause = Math.min(FIRST_PING_MS, reset)
  let isPinging = false
  /**
   * Until it is closed, not until a ping succeeds: a call that was under way before it opened may fail while the ping is, which
   * opens it again, and then the ping that succeeds closes nothing.
   */
  const pingUntilBack = async (): Promise<void> => {
    isPinging = true
    try {
      do {
        await clock.sleep(pause, closed.signal)
        pause = Math.min(pause * 2, reset)
        await circuit.execute(ping)
      } while (circuit.state !== CircuitState.Closed)
    } finally {
      isPinging = false
    }
  }
  let last: BreakerState = 'closed'
  onState(last)
  circuit.onStateChange((state) => {
    last = STATES[state]
    onState(last)
    if (last === 'open' && !isPinging) pingUntilBack().catch(() => undefined)
  })
  const word = makeWord()
  circuit.onReset(() => word.given())
  circuit.onBreak(() => word.broken())
  let isTrying = false
  const execute = async <T extends Attempted>(call: () => Promise<T>): Promise<T> => {
    const answer = await circuit.execute(call)
    if (!answer.failed) {
      word.kept()
      pause = Math.min(FIRST_PING_MS, reset)
    }
    return answer
  }
  const alone = async <T extends Attempted>(call: () => Promise<T>): Promise<T | null> => {
    if (isTrying) return null
    isTrying = true
    return execute(call).finally(() => {
      isTrying = false
    })
  }
  return {
    attempt: async (call) => {
      if (circuit.state !== CircuitState.Closed) return null
      return wary && word.isDoubted() ? alone(call) : execute(call)
    },
    close: () => closed.abort(),
  }
}

/** What a ping says, that calls are answered: doubted from when it was wrong until a call was answered. */
function makeWord() {
  let [isGiven, isDoubted] = [false, false]
  return {
    given: () => {
      isGiven = true
    },
    broken: () => {
      isDoubted ||= isGiven
      isGiven = false
    },
    kept: () => {
      isGiven = false
      isDoubted = false
    },
    isDoubted: () => isDoubted,
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
