import { isStoreFailure, type Outcome } from '../../backends/outcome.ts'
import type { Address } from '../../backends/secret.ts'
import type { Side } from '../../core/side.ts'
import type { CoreDeps, View } from './context.ts'

/** One call to a side of an enrolled integration, for the guard: how it ended, not what it said. */
export interface StoreCall {
  readonly integration: string
  readonly customer: string
  readonly side: Side
  readonly failed: boolean
  /** Of a read; null for a write. */
  readonly ms: number | null
}

/** A call as the core tells it. `judged`: the guard may judge its side by it. */
export type ToldCall = StoreCall & { readonly judged: boolean }

/**
 * What a client cannot be served by. A value that one side refuses (a constraint, a trigger, its size) is its client's matter,
 * a conflict another writer's, a deadline that was over before the store was asked the ledger's.
 */
export const isFailure = (outcome: Outcome): boolean => {
  if (outcome.kind === 'unreadable') return true
  if (isStoreFailure(outcome)) return true
  if (!('reason' in outcome)) return false
  return (
    outcome.reason === 'denied' ||
    outcome.reason === 'throttled' ||
    outcome.reason === 'unfit' ||
    (outcome.reason === 'rejected' && outcome.kind !== 'refused')
  )
}

/**
 * Of legacy every call counts, as the baseline. Of new only those that the phase sends there first: what is read on new for
 * a debt, or written there second, says nothing about serving from new.
 */
export function tellCall(
  deps: CoreDeps,
  view: View,
  { integration, customer }: Address,
  call: { readonly side: Side; readonly outcome: Outcome; readonly ms: number | null; readonly isSecond?: boolean },
): void {
  const { side, outcome, ms, isSecond = false } = call
  if (view.state !== 'enrolled') return
  const judged = side === 'legacy' || (view.plan.read === 'new' && !isSecond)
  deps.onEvent({ kind: 'call', integration, customer, side, failed: isFailure(outcome), ms, judged })
}
