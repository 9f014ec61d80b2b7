import type { Clock } from '../../core/clock.ts'
import type { Share, Throttle } from './pace.ts'
import { makePlaces } from './places.ts'

/*
 * The passes of one integration in this process, one after another at an even distance: a leaky bucket (the generic cell
 * rate algorithm of ATM), which unlike a bucket of tokens saves nothing up for a burst. A pass is as large as a twentieth of
 * a second's secrets, so that a slow pace means small passes and not long pauses between large ones.
 */
export interface LaneSpeed {
  /** Secrets a second; Infinity: no limit. */
  readonly rate: number
  /** What the rate is for; null: it is no limit. */
  readonly by: Throttle | null
  /** Nothing begins now, for this reason; null: it may. */
  readonly hold: Throttle | null
}

/** No limit. */
export const FREE: LaneSpeed = { rate: Number.POSITIVE_INFINITY, by: null, hold: null }

export interface LaneOptions {
  readonly clock: Clock
  /** Asked at every look, so that a change is in effect at once. */
  readonly speed: () => LaneSpeed
  readonly concurrency: () => number
  readonly onThrottled?: (by: Throttle, ms: number) => void
  /** A pass begins (1) or has ended (-1). */
  readonly onPasses?: (change: 1 | -1) => void
}

export interface Lane {
  take(most: number, signal: AbortSignal): Promise<Share>
  tryTake(most: number): Share | null
  place(most: number, signal: AbortSignal): Promise<Share>
  /** The limit of passes at once may have changed. */
  look(): void
  throttledBy(): Throttle | null
  /** Secrets that were worked on, ever. */
  readonly worked: number
  /** Passes on their way. */
  readonly passes: number
}

/** Passes a second that a limited rate is divided into. */
const PASSES_PER_SECOND = 20
/** A wait is looked at again at least so often: the rate may have changed. */
const LOOK_MS = 100
/** A pass that waited a moment ago is one that waits: nobody wants to see the word flicker. */
const REMEMBERED_MS = 1000

export const sizeOf = (rate: number, most: number): number =>
  Math.max(1, Math.min(most, Number.isFinite(rate) ? Math.ceil(rate / PASSES_PER_SECOND) : most))

export function makeLane({ clock, speed, concurrency, onThrottled, onPasses }: LaneOptions): Lane {
  const places = makePlaces(concurrency)
  /** Secrets that were given out and whose time is not over. */
  let owed = 0
  let drained = clock.monotonic()
  let worked = 0
  let last: { readonly by: Throttle; readonly at: number } | null = null

  const drain = (rate: number): void => {
    const now = clock.monotonic()
    owed = Number.isFinite(rate) ? Math.max(0, owed - ((now - drained) / 1000) * rate) : 0
    drained = now
  }
  const shareOf = (secrets: number, unused: (secrets: number) => void = () => undefined): Share => {
    onPasses?.(1)
    return {
      secrets,
      end: (done) => {
        unused(secrets - done)
        worked += done
        onPasses?.(-1)
        places.leave()
      },
    }
  }
  const giveBack = (secrets: number): void => {
    owed = Math.max(0, owed - secrets)
  }
  const wait = async (by: Throttle, ms: number, signal: AbortSignal): Promise<void> => {
    const from = clock.monotonic()
    last = { by, at: from }
    await clock.sleep(Math.min(Math.ceil(ms), LOOK_MS), signal)
    onThrottled?.(by, clock.monotonic() - from)
    last = { by, at: clock.monotonic() }
  }

  /** A share if a pass may begin at this moment and has its place; else what it waits for, and for how long. */
  const turn = (most: number): { readonly share: Share } | { readonly by: Throttle; readonly ms: number } => {
    const { rate, by, hold } = speed()
    drain(rate)
    if (hold !== null) return { by: hold, ms: LOOK_MS }
    if (owed > 0) return { by: by ?? 'rate', ms: (owed / rate) * 1000 }
    const secrets = sizeOf(rate, most)
    owed += secrets
    return { share: shareOf(secrets, giveBack) }
  }

  return {
    take: async (most, signal) => {
      for (;;) {
        // Who waits for the rate has no place meanwhile: what is urgent does not wait for a slow pace.
        await places.enter(signal)
        const now = turn(most)
        if ('share' in now) return now.share
        places.leave()
        await wait(now.by, now.ms, signal)
      }
    },
    tryTake: (most) => {
      if (!places.tryEnter()) return null
      const now = turn(most)
      if ('share' in now) return now.share
      places.leave()
      return null
    },
    place: async (most, signal) => {
      await places.enter(signal)
      return shareOf(most)
    },
    look: places.look,
    throttledBy: () => (last !== null && clock.monotonic() - last.at < REMEMBERED_MS ? last.by : null),
    get worked() {
      return worked
    },
    get passes() {
      return places.taken
    },
  }
}
