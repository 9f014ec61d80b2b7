/**
 * Writes of integrations without a ledger: `enrol` waits for them, because they were decided under the old rule. The
 * caller looks at the state and calls `track` in one turn of the event loop, so none can slip between the two.
 */
export interface BareWrites {
  /** `lands`: until when something of a write that ended so may still reach its store; its caller does not wait for that. */
  track<T>(integration: string, write: Promise<T>, lands: (ended: T) => Promise<void> | null): Promise<T>
  /** Resolves when every write that was tracked before the call has ended and can no longer land. */
  drained(integration: string): Promise<void>
}

export function makeBareWrites(): BareWrites {
  const open = new Map<string, Set<Promise<unknown>>>()
  return {
    track: (integration, write, lands) => {
      const writes = open.get(integration) ?? new Set()
      const over = write.then(lands)
      open.set(integration, writes.add(over))
      void Promise.allSettled([over]).then(() => writes.delete(over))
      return write
    },
    drained: async (integration) => {
      await Promise.allSettled([...(open.get(integration) ?? [])])
    },
  }
}
