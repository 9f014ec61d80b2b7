/**
 * The promise's result, or `otherwise` as soon as the signal is aborted. The promise goes on; what it gives later is
 * handed to `late`, so that a connection that arrives late is given back.
 */
export function unlessAborted<T, U>(
  pending: Promise<T>,
  signal: AbortSignal | undefined,
  otherwise: U,
  late: (result: T) => void = () => {},
): Promise<T | U> {
  if (!signal) return pending
  return new Promise((resolve, reject) => {
    let open = true
    const close = (): boolean => {
      const wasOpen = open
      open = false
      signal.removeEventListener('abort', abort)
      return wasOpen
    }
    const abort = (): void => {
      if (close()) resolve(otherwise)
    }
    pending.then(
      (result) => (close() ? resolve(result) : late(result)),
      (error: unknown) => (close() ? reject(error) : undefined),
    )
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
}
