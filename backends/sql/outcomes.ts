import type { Call, GetOutcome, PutOutcome, RefusalReason, UnknownReason } from '../store.ts'
import type { Failure } from './sqlstate.ts'

/** A read that failed: it changed nothing, so what is certain does not matter. */
export const readError = (failure: Failure): Extract<GetOutcome, { kind: 'error' }> => ({
  kind: 'error',
  reason: failure.reason,
  passing: failure.passing,
})

export const writeFailure = (failure: Failure): PutOutcome =>
  failure.certain ? refused(failure.reason) : { kind: 'unknown', reason: failure.reason }

export const refused = (reason: RefusalReason): PutOutcome => ({ kind: 'refused', reason })

export const failedAs = (failure: Failure): { kind: 'error'; reason: RefusalReason | UnknownReason } => ({
  kind: 'error',
  reason: failure.reason,
})

/** One call for several callers: as long as the most patient of them, over when all have gone. */
export function sharedCall(calls: readonly Call[]): Call {
  const deadline = Math.max(...calls.map((call) => call.deadline))
  const signals = calls.flatMap(({ signal }) => (signal ? [signal] : []))
  if (signals.length < calls.length) return { deadline }
  const all = new AbortController()
  let left = signals.length
  const leave = (): void => {
    left -= 1
    if (left === 0) all.abort()
  }
  for (const signal of signals) {
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  }
  return { deadline, signal: all.signal }
}
