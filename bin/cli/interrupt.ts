import { EXITS } from './exit-codes.ts'

/**
 * Hands `work` a signal that the first Ctrl-C or SIGTERM aborts, so that it can end in order; the second one ends the
 * process at once.
 */
export const interruptible = async (work: (signal: AbortSignal) => Promise<number>): Promise<number> => {
  const controller = new AbortController()
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXITS.interrupted.code)
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
