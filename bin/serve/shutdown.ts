import type { Clock } from '../../core/clock.ts'

/** One part that ends; the name is for the log. */
export interface StopStep {
  readonly name: string
  readonly stop: () => Promise<unknown> | unknown
}

/**
 * Ends parts one after the other, none of which can keep the process: one that fails is passed over, and all of them
 * together take at most `patience` ms. Returns the names of those that failed, or did not end in time. Never rejects.
 */
export async function stopInOrder(
  steps: readonly StopStep[],
  clock: Clock,
  patience: number,
): Promise<readonly string[]> {
  const until = clock.monotonic() + patience
  const unended: string[] = []
  for (const { name, stop } of steps) {
    const isEnded = await within(clock, until, async () => stop())
    if (!isEnded) unended.push(name)
  }
  return unended
}

/** Whether `work` was done by then. What takes longer goes on by itself. */
export async function within(clock: Clock, until: number, work: () => Promise<unknown>): Promise<boolean> {
  const done = new AbortController()
  const working = work().then(
    () => true,
    () => false,
  )
  const late = clock.sleep(Math.max(0, until - clock.monotonic()), done.signal).then(
    () => false,
    () => false,
  )
  try {
    return await Promise.race([working, late])
  } finally {
    done.abort()
  }
}

/** Of a deadline for the whole end: for requests on their way, and for everything. The rest is for the process itself. */
export const DRAIN_SHARE = 0.8
export const STOP_SHARE = 0.95
