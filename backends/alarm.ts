import type { Clock } from '../core/clock.ts'

/** A reason of our own: making the default one, an exception with a stack, costs more than the call. */
export const DEADLINE_PASSED = 'deadline passed'

/** An abort signal for each call, raised at its deadline or with its caller's own signal. */
export interface Alarm {
  /** Arms a signal; `disarm` it when the call is over. */
  arm(deadline: number, outer: AbortSignal | undefined): Armed
  close(): void
}

export interface Armed {
  readonly signal: AbortSignal
  disarm(): void
}

/**
 * One sleep for all calls instead of a timer each: it wakes at the earliest deadline that it knew of, raises what is due,
 * and sleeps on. Calls of one store have nearly the same time to live, so it wakes about once in that time however many
 * there are, and a call that ends in time costs an entry in a set.
 */
export function makeAlarm(clock: Clock): Alarm {
  const armed = new Map<AbortController, number>()
  const closed = new AbortController()
  let wakeAt = Number.POSITIVE_INFINITY

  const sleepUntil = (deadline: number): void => {
    wakeAt = deadline
    clock.sleep(Math.max(0, deadline - clock.monotonic()), closed.signal).then(
      () => deadline === wakeAt && wake(),
      () => {},
    )
  }
  const wake = (): void => {
    const now = clock.monotonic()
    let next = Number.POSITIVE_INFINITY
    for (const [controller, deadline] of armed) {
      if (deadline > now) next = Math.min(next, deadline)
      else controller.abort(DEADLINE_PASSED)
    }
    wakeAt = Number.POSITIVE_INFINITY
    if (next < wakeAt) sleepUntil(next)
  }

  return {
    arm: (deadline, outer) => {
      const controller = new AbortController()
      const abort = (): void => controller.abort(outer?.reason)
      armed.set(controller, deadline)
      if (outer?.aborted || deadline <= clock.monotonic()) controller.abort(outer?.reason ?? DEADLINE_PASSED)
      else outer?.addEventListener('abort', abort)
      if (deadline < wakeAt) sleepUntil(deadline)
      return {
        signal: controller.signal,
        disarm: () => {
          armed.delete(controller)
          outer?.removeEventListener('abort', abort)
        },
      }
    },
    close: () => closed.abort(),
  }
}
