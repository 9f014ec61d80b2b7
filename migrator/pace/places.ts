/** So many at once; who comes later waits in turn. The limit may change at any moment. */
export interface Places {
  /** Resolves when there is a place. Rejects when aborted. */
  enter(signal: AbortSignal): Promise<void>
  /** False: there is none now. */
  tryEnter(): boolean
  leave(): void
  /** The limit may have grown. */
  look(): void
  readonly taken: number
}

export function makePlaces(limit: () => number): Places {
  const waiting = new Set<() => void>()
  let taken = 0

  const look = (): void => {
    for (const admit of waiting) {
      if (taken >= limit()) return
      waiting.delete(admit)
      taken += 1
      admit()
    }
  }
  return {
    enter: (signal) => {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const giveUp = (): void => {
        if (waiting.delete(admit)) reject(signal.reason)
      }
      const admit = (): void => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      signal.addEventListener('abort', giveUp, { once: true })
      waiting.add(admit)
      look()
      return promise
    },
    tryEnter: () => {
      const isFree = waiting.size === 0 && taken < limit()
      if (isFree) taken += 1
      return isFree
    },
    leave: () => {
      taken -= 1
      look()
    },
    look,
    get taken() {
      return taken
    },
  }
}
