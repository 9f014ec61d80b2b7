/**
 * A rate limit of the server. A 429 was not looked at, so it may be sent again: after what `Retry-After` says, as long as the
 * call's own time allows. Who has more to send than one request asks first how long the server wants to be left alone.
 */
import type { Clock } from '../../core/clock.ts'
import type { Reply } from './exchange.ts'

export interface Quota {
  /** Sends, and sends again after each 429 that leaves time for it. Rejects when aborted in between. */
  within(deadline: number, send: () => Promise<Reply>, signal: AbortSignal): Promise<Reply>
  /** ms until the server wants to be asked again. */
  pause(): number
}

/** OpenBao says 0 seconds of an interval that has less than one left. */
const LEAST_MS = 200
const LONGEST_MS = 300_000

export function makeQuota(clock: Clock): Quota {
  let until = Number.NEGATIVE_INFINITY
  return {
    within: async (deadline, send, signal) => {
      for (;;) {
        const reply = await send()
        if (reply.kind !== 'answer' || reply.status !== 429) return reply
        const pause = pauseOf(reply.retryAfter, clock.wall())
        const next = clock.monotonic() + pause
        until = Math.max(until, next)
        if (next >= deadline || signal.aborted) return reply
        const isOver = await clock.sleep(pause, signal).then(
          () => false,
          () => true,
        )
        if (isOver) return reply
      }
    },
    pause: () => Math.max(0, until - clock.monotonic()),
  }
}

/** Seconds or a date (RFC 9110, 10.2.3); what is neither says nothing. */
function pauseOf(retryAfter: string | null, now: number): number {
  const text = retryAfter?.trim() ?? ''
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(ms) ? LEAST_MS : Math.min(LONGEST_MS, Math.max(LEAST_MS, ms))
}
