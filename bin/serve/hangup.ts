/**
 * Calls `work` at each SIGHUP, one after the other, until `signal` is aborted. A terminal that closes sends it, too; so only
 * a program that goes on without one may ask for it: the default is to end.
 */
export function onHangup(work: () => Promise<void>, signal: AbortSignal): void {
  let last: Promise<void> = Promise.resolve()
  const heard = (): void => {
    last = last.then(work)
  }
  process.on('SIGHUP', heard)
  signal.addEventListener('abort', () => process.off('SIGHUP', heard), { once: true })
}
