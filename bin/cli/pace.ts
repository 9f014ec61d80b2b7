import { advance, estimate, type Meter, startMeter } from '../../migrator/progress.ts'
import type { Counts } from '../../proxy/ops/status.ts'
import { duration } from './progress-line.ts'

/** How fast something counts down, told from one look to the next; null while there is nothing to tell it by. */
export interface Pace {
  readonly per_second: number | null
  readonly eta_seconds: number | null
}

/** Remembers what it was shown of each key. */
export interface Paces {
  /** `at`: ms of the monotonic clock. */
  look(key: string, counts: Counts, at: number): Pace
}

const LEGS = {
  copy: ({ copied, left }: Counts) => ({ done: copied, total: copied + left }),
  verify: ({ verified, copied }: Counts) => ({ done: verified, total: copied }),
} as const

/** Copying and verifying have a pace each; what is shown is that of what is not done yet. */
export function makePaces(): Paces {
  const meters = new Map<string, Meter>()
  const step = (key: string, done: number, at: number): Meter => {
    const before = meters.get(key)
    const meter = before === undefined ? startMeter(at, done) : advance(before, at, done)
    meters.set(key, meter)
    return meter
  }
  return {
    look: (key, counts, at) => {
      const [copy, verify] = (['copy', 'verify'] as const).map((leg) => {
        const { done, total } = LEGS[leg](counts)
        const { rate } = step(`${leg} ${key}`, done, at)
        return { per_second: rate, eta_seconds: estimate(rate, done, total) }
      }) as [Pace, Pace]
      return counts.left > 0 ? copy : verify
    },
  }
}

/** Two cells: rate and time left. */
export const paceCells = ({ per_second, eta_seconds }: Pace): readonly [string, string] => [
  per_second === null ? '-' : `${Math.round(per_second)}/s`,
  eta_seconds === null ? '-' : duration(eta_seconds),
]
