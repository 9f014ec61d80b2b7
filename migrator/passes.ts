import PQueue from 'p-queue'

/** Several passes over one integration at once, started no faster than they end. */
export interface Passes {
  /** Resolves when the pass was taken; after a failure passes are dropped. */
  add(pass: () => Promise<void>): Promise<void>
  readonly failed: boolean
  /** Resolves when none is on its way; rejects with the first failure, after all of them have ended. */
  idle(): Promise<void>
}

export function makePasses(concurrency: number): Passes {
  const queue = new PQueue({ concurrency })
  let failure: { readonly error: unknown } | null = null
  const run = async (pass: () => Promise<void>): Promise<void> => {
    if (failure !== null) return
    try {
      await pass()
    } catch (error) {
      failure ??= { error }
    }
  }
  return {
    add: async (pass) => {
      await queue.onSizeLessThan(1)
      void queue.add(() => run(pass))
    },
    get failed() {
      return failure !== null
    },
    idle: async () => {
      await queue.onIdle()
      if (failure !== null) throw failure.error
    },
  }
}
