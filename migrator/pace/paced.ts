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
  { signal, over, throttled }: Pick<Watch, 'signal' | 'over' | 'throttled'>,
): Promise<Share | 'over'> {
  try {
    return await pace.take(integration, most, AbortSignal.any([signal, over]))
  } catch (error) {
    if (signal.aborted || !over.aborted) throw error
    return 'over'
  } finally {
    throttled(pace.throttledBy(integration))
  }
}
