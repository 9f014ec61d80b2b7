import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { Watch } from './stages.ts'

/** Waits that grow while nothing goes well, and an end to it. */
export interface Patience {
  /** Sleeps, longer each time. False at once when nothing has gone well for the limit. Rejects when aborted. */
  wait(signal: AbortSignal): Promise<boolean>
  /** Something went well: the limit and the waits start anew. */
  well(): void
  /** ms since something went well; what the next slice begins with. */
  idle(): number
}

export interface PatienceOptions {
  readonly clock: Clock
  /** ms without anything that went well. */
  readonly limit: number
  readonly first?: number
  readonly most?: number
  /** ms without anything that went well before this began. */
  readonly idle?: number
}

export function makePatience({ clock, limit, first = 50, most = 5000, idle = 0 }: PatienceOptions): Patience {
  let since = clock.monotonic() - idle
  let next = first
  return {
    wait: async (signal) => {
      const left = since + limit - clock.monotonic()
      if (left <= 0) return false
      await clock.sleep(Math.min(next, left), signal)
      next = Math.min(next * 2, most)
      return true
    },
    well: () => {
      since = clock.monotonic()
      next = first
    },
    idle: () => clock.monotonic() - since,
  }
}

/** As `wait`, but true at once when the slice is over: the next one goes on waiting. */
export const waitInSlice = async (patience: Patience, watch: Pick<Watch, 'signal' | 'over'>): Promise<boolean> =>
  (await untilOver(watch, (signal) => patience.wait(signal))) !== false

/** For work that may be cut anywhere and begun again: `over` when the end of the slice cut it. */
export async function untilOver<T>(
  { signal, over }: Pick<Watch, 'signal' | 'over'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | 'over'> {
  try {
    return await work(AbortSignal.any([signal, over]))
  } catch (error) {
    if (signal.aborted || !over.aborted) throw error
    return 'over'
  }
}

const PASSING: ReadonlySet<string> = new Set(['ledger-unavailable', 'store-silent'])

/**
 * Repeats a step of the ledger that it, or a store, was not there for; all of them are safe to repeat. Rethrows when the ledger was
 * away for longer than `patience` ms, and rejects when aborted.
 */
export async function persist<T>(
  { clock, patience: limit }: { readonly clock: Clock; readonly patience: number },
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  const patience = makePatience({ clock, limit })
  for (;;) {
    signal.throwIfAborted()
    try {
      return await step()
    } catch (error) {
      const passing = isFault(error) && PASSING.has(error.code)
      if (!passing || !(await patience.wait(signal))) throw error
    }
  }
}
