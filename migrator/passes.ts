import type { Share } from './pace/pace.ts'

/** Passes over one integration that run beside each other, as many as the pace gives leave for. */
export interface Passes {
  /** Begins at once, and ends the share with the number that the pass answers; after a failure passes are dropped. */
  add(pass: () => Promise<number>, share: Share): void
  readonly failed: boolean
  /** Resolves when none is on its way; rejects with the first failure, after all of them have ended. */
  idle(): Promise<void>
}

export function makePasses(): Passes {
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | null = null
  const run = async (pass: () => Promise<number>, share: Share): Promise<void> => {
    let worked = 0
    try {
      if (failure === null) worked = await pass()
    } catch (error) {
      failure ??= { error }
    } finally {
      share.end(worked)
    }
  }
  return {
    add: (pass, share) => {
      const ended: Promise<void> = run(pass, share).finally(() => running.delete(ended))
      running.add(ended)
    },
    get failed() {
      return failure !== null
    },
    idle: async () => {
      await Promise.all(running)
      if (failure !== null) throw failure.error
    },
  }
}
