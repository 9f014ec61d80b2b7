import { untilOver } from '../patience.ts'
import type { Watch } from '../stages.ts'
import type { Pace, Share } from './pace.ts'

export interface PacedDeps {
  readonly pace: Pace
}

/** Leave for one pass of a stage, or `over`: the slice is. Who watches is told what held it back. Rejects when aborted. */
export async function paced(
  { pace }: PacedDeps,
  integration: string,
  most: number,
  watch: Pick<Watch, 'signal' | 'over' | 'throttled'>,
): Promise<Share | 'over'> {
  try {
    return await untilOver(watch, (signal) => pace.take(integration, most, signal))
  } finally {
    watch.throttled(pace.throttledBy(integration))
  }
}
