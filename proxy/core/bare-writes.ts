/**
 * Writes of integrations without a ledger: `enrol` waits for them, because they were decided under the old rule. The
 * caller looks at the state and calls `track` in one turn of the event loop, so none can slip between the two.
 */
export interface BareWrites {
  track<T>(integration: string, write: Promise<T>): Promise<T>
  /** Resolves when every write that was tracked before the call has ended. */
  drained(integration: string): Promise<void>
}

export function makeBareWrites(): BareWrites {
  const open = new Map<string, Set<Promise<unknown>>>()
  return {
    track: async (integration, write) => {
      const writes = open.get(integration) ?? new Set()
      open.set(integration, writes.add(write))
      try {
        return await write
      } finally {
        writes.delete(write)
      }
    },
    drained: async (integration) => {
      await Promise.allSettled([...(open.get(integration) ?? [])])
    },
  }
}
