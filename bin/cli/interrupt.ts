import { EXITS } from './exit-codes.ts'

const ONE_PRESS_MS = 500

/**
 * Hands `work` a signal that the first Ctrl-C or SIGTERM aborts, so that it can end in order; the second one ends the
 * process at once.
 */
export const interruptible = async (work: (signal: AbortSignal) => Promise<number>): Promise<number> => {
  const controller = new AbortController()
  let first = Number.NEGATIVE_INFINITY
  const stop = (): void => {
    // npm and a terminal may each send the same Ctrl-C: what comes at once is one.
    if (performance.now() - first < ONE_PRESS_MS) return
    if (controller.signal.aborted) process.exit(EXITS.interrupted.code)
    first = performance.now()
    controller.abort(new Error('interrupted'))
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, stop)
  try {
    return await work(controller.signal)
  } finally {
    for (const signal of signals) process.off(signal, stop)
  }
}
