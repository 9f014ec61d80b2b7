import type { Clock } from '../../core/clock.ts'
import type { MigratorSection } from '../config.ts'
import { type Lane, type LaneSpeed, makeLane } from './lane.ts'
import type { Pace, PaceLimits, Throttle } from './pace.ts'

/*
 * One lane an integration. What limits a lane: its ceiling, and the speed that the signals allow, whichever is lower.
 */
export interface PacesOptions {
  readonly clock: Clock
  /** Asked at every look. */
  readonly limits: (integration: string) => PaceLimits
  /** What the signals allow now; left out: everything. */
  readonly speed?: (integration: string) => LaneSpeed
  readonly onThrottled?: (integration: string, by: Throttle, ms: number) => void
}

export interface Paces extends Pace {
  lane(integration: string): Lane
  /** Every integration that ever asked. */
  readonly lanes: ReadonlyMap<string, Lane>
}

const FREE: LaneSpeed = { rate: Number.POSITIVE_INFINITY, by: null, hold: null }

export function makePaces({ clock, limits, speed = () => FREE, onThrottled }: PacesOptions): Paces {
  const lanes = new Map<string, Lane>()

  const open = (integration: string): Lane =>
    makeLane({
      clock,
      concurrency: () => limits(integration).concurrency,
      speed: () => lower(speed(integration), limits(integration).rate),
      onThrottled: (by, ms) => onThrottled?.(integration, by, ms),
    })
  const lane = (integration: string): Lane => {
    const found = lanes.get(integration) ?? open(integration)
    lanes.set(integration, found)
    return found
  }
  return {
    lane,
    lanes,
    take: (integration, most, signal) => lane(integration).take(most, signal),
    tryTake: (integration, most) => lane(integration).tryTake(most),
    place: (integration, most, signal) => lane(integration).place(most, signal),
    throttledBy: (integration) => lanes.get(integration)?.throttledBy() ?? null,
  }
}

/** What the configuration says. */
export const limitsOf = ({ concurrency, pace }: Pick<MigratorSection, 'concurrency' | 'pace'>): PaceLimits => ({
  rate: pace.rate === 'none' ? null : pace.rate,
  concurrency,
})

const lower = (speed: LaneSpeed, ceiling: number | null): LaneSpeed =>
  ceiling !== null && ceiling <= speed.rate ? { ...speed, rate: ceiling, by: 'rate' } : speed
