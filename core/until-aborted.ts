/** Resolves when the signal is aborted, or was. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** What comes of `work`, unless the signal is aborted before: then it rejects with the signal's reason, and nobody waits for `work`. */
export async function untilAbortedOr<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = new AbortController()
  const aborted = untilAborted(AbortSignal.any([signal, ended.signal])).then((): never => {
    throw signal.reason
  })
  aborted.catch(() => undefined)
  try {
    return await Promise.race([work, aborted])
  } finally {
    ended.abort()
  }
}
