import type { GetOutcome, PutOutcome, RefusalReason, UnknownReason } from './store.ts'

/** What a failure means for what was asked. `certain`: nothing was or will be applied. `passing`: it may end by itself. */
export type Failure = About &
  (
    | { readonly certain: true; readonly reason: RefusalReason; readonly passing: boolean }
    | { readonly certain: false; readonly reason: UnknownReason; readonly passing: boolean }
  )

interface About {
  /**
   * It may be the matter of a single secret of a batch: `refused`, the store will not have it; `damaged`, what lies there
   * cannot be read. Such a batch is sent again in parts (apart.ts).
   */
  readonly ofOne?: 'refused' | 'damaged'
  /** In words, where it is known why a single secret was refused: never a value, never a driver's message. */
  readonly detail?: string
  /** What is known of the store's tables may no longer hold: look them up anew. */
  readonly stale?: true
}

export const no = (reason: RefusalReason, passing = false): Failure => ({ certain: true, reason, passing })
export const unsure = (reason: UnknownReason): Failure => ({ certain: false, reason, passing: true })

/** A read that failed: it changed nothing, so what is certain does not matter. */
export const readError = (failure: Failure): Extract<GetOutcome, { kind: 'error' }> => ({
  kind: 'error',
  reason: failure.reason,
  passing: failure.passing,
})

export const writeFailure = (failure: Failure): PutOutcome =>
  failure.certain ? refused(failure.reason, failure.detail) : { kind: 'unknown', reason: failure.reason }

export const refused = (reason: RefusalReason, detail?: string): PutOutcome =>
  detail === undefined ? { kind: 'refused', reason } : { kind: 'refused', reason, detail }

export const failedAs = (failure: Failure): { kind: 'error'; reason: RefusalReason | UnknownReason } => ({
  kind: 'error',
  reason: failure.reason,
})
