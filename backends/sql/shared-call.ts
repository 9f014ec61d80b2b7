import type { Call } from '../store.ts'

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
