import type { Throttle } from './pace.ts'

/*
 * How fast copying may be, as TCP finds its rate (RFC 5681): at first it doubles as long as nothing is strained, and after
 * the first strain it drops by a third at once and climbs back by a twentieth of the rate that was too much, so that it hovers
 * below that. It never grows far beyond what is used (RFC 7661): an idle hour gives no leave for a burst. What is told
 * apart is who strains, after gh-ost, which names what it is throttled by.
 */
export interface Speed {
  /** Secrets a second. */
  readonly rate: number
  /** The rate that was last too much; null: none yet. */
  readonly ceiling: number | null
  /** What it was that strained last; null: nothing yet. */
  readonly by: Throttle | null
}

const FIRST = 100
const CUT = 0.67
const CLIMB = 1 / 20
/** Above what was once too much: that may be over. */
const BEYOND = 1.1
const BEYOND_USE = 2

export const startSpeed = (floor: number): Speed => ({ rate: Math.max(floor, FIRST), ceiling: null, by: null })

/**
 * `used`: secrets a second that were worked on lately, since what is allowed and not used strains nothing. `floor`: what is
 * left to it whatever strains, so that it always ends some day.
 */
export function slower(speed: Speed, by: Throttle, used: number, floor: number): Speed {
  const tooMuch = Math.min(speed.rate, Math.max(used, floor))
  return { rate: Math.max(floor, tooMuch * CUT), ceiling: tooMuch, by }
}

export function faster(speed: Speed, used: number): Speed {
  const { rate, ceiling } = speed
  if (rate > used * BEYOND_USE + FIRST) return speed
  if (ceiling === null) return { ...speed, rate: rate * 2 }
  return { ...speed, rate: rate < ceiling ? rate + Math.max(1, ceiling * CLIMB) : Math.max(rate + 1, rate * BEYOND) }
}
