import type { Cap, CapScope } from './caps.ts'
import { type Phase, phaseRank } from './phase.ts'

/** An operator's rollback: a cap, at once, without the flag server. */
export const rollbackCap = (
  request: CapScope & { readonly to?: Phase; readonly reason?: string; readonly by: string; readonly at: number },
): Cap => ({
  integration: request.integration,
  cohort: request.cohort,
  kind: 'rollback',
  phase: request.to ?? 'off',
  reason: request.reason ?? 'no reason given',
  by: request.by,
  at: request.at,
})

/** One slice of what a lift would change. */
export interface LiftSlice {
  readonly integration: string
  readonly cohort: string
  /** The highest phase that runs now. */
  readonly runs: Phase
  /** The highest phase that would run once the cap is gone: what the flag asks for under the caps that stay. */
  readonly after: Phase
}

export type LiftVerdict =
  | { readonly kind: 'allowed'; readonly raises: readonly LiftSlice[] }
  | { readonly kind: 'refused'; readonly raises: readonly LiftSlice[] }

/**
 * Taking a cap away must not by itself move anything forward again: while a flag asks for more than runs, the lift is
 * refused, unless it is forced by someone who means exactly that.
 */
export const judgeLift = (slices: readonly LiftSlice[], forced: boolean): LiftVerdict => {
  const raises = slices.filter(({ runs, after }) => phaseRank(after) > phaseRank(runs))
  return { kind: raises.length > 0 && !forced ? 'refused' : 'allowed', raises }
}
