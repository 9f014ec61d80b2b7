import type { Clock } from '../../core/clock.ts'
import type { MigratorSection } from '../config.ts'
import { FREE, type Lane, type LaneSpeed, makeLane } from './lane.ts'
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
  readonly onPasses?: (change: 1 | -1) => void
}

export interface Paces extends Pace {
  /** What limits it now. */
  speed(integration: string): LaneSpeed
  /** A pass is on its way, or waits for its turn. */
  isBusy(integration: string): boolean
  /** The limits may have changed. */
  look(): void
  /** Every integration that ever asked. */
  readonly lanes: ReadonlyMap<string, Lane>
}

export function makePaces({ clock, limits, speed = () => FREE, onThrottled, onPasses }: PacesOptions): Paces {
  const lanes = new Map<string, Lane>()

  const allowed = (integration: string): LaneSpeed => lower(speed(integration), limits(integration).rate)
  const open = (integration: string): Lane =>
    makeLane({
      clock,
      concurrency: () => limits(integration).concurrency,
      speed: () => allowed(integration),
      onThrottled: (by, ms) => onThrottled?.(integration, by, ms),
      ...(onPasses === undefined ? {} : { onPasses }),
    })
  const lane = (integration: string): Lane => {
    const found = lanes.get(integration) ?? open(integration)
    lanes.set(integration, found)
    return found
  }
  return {
    lanes,
    speed: allowed,
    isBusy: (integration) => {
      const own = lanes.get(integration)
      return own !== undefined && (own.passes > 0 || own.throttledBy() !== null)
    },
    look: () => {
      for (const own of lanes.values()) own.look()
    },
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
