/*
 * What a client may see (I1, I3), as in the exhaustive model: when a write is acknowledged, every write that had ended
 * before it began is replaced for good, and no read that starts later may return it. A write that was told "failed" is
 * never seen. One that was told "unknown" may take effect or not, until a later acknowledged write replaces it; where a
 * store has no fence only a delete does, because it waits for the lease, and a put may still be followed by it.
 */
export type Told = 'acknowledged' | 'failed' | 'unknown'

interface Write {
  readonly id: string
  /** null: a delete. */
  readonly value: string | null
  readonly before: ReadonlySet<string>
}

export interface History {
  /** The value (null: absent) before anything happened. */
  readonly initial: string | null
  begin(id: string, value: string | null): void
  end(id: string, told: Told): void
  /** Snapshot for a read that starts now. */
  replaced(): ReadonlySet<string>
  /** Whether a read that started with `replaced` may return `value`. */
  allows(value: string | null, replaced: ReadonlySet<string>): boolean
  /** Every write that has ended was told what became of it. */
  decided(): boolean
  /** How many writes are open or were told anything else than that nothing of them was applied. */
  unsettled(): number
  /** Every write so far was told that nothing of it was applied. */
  untouched(): boolean
}

const INITIAL = 'initial'

/** Which acknowledged writes replace an earlier one that was told "unknown": every one, deletes only, or none. */
export type Strictness = 'all' | 'deletes' | 'nothing'

export function makeHistory(initial: string | null, strict: Strictness): History {
  const writes = new Map<string, Write>([[INITIAL, { id: INITIAL, value: initial, before: new Set() }]])
  const ended = new Set<string>([INITIAL])
  const unknown = new Set<string>()
  const gone = new Set<string>()
  const failed = new Set<string>([INITIAL])

  const possible = (hidden: ReadonlySet<string>): readonly Write[] =>
    [...writes.values()].filter((w) => !hidden.has(w.id))

  return {
    initial,
    begin: (id, value) => {
      const replacesUnknown = strict === 'all' || (strict === 'deletes' && value === null)
      writes.set(id, { id, value, before: new Set(replacesUnknown ? [...ended, ...unknown] : ended) })
    },
    end: (id, told) => {
      const write = writes.get(id) as Write
      if (told === 'failed') {
        gone.add(id)
        failed.add(id)
      }
      if (told === 'unknown') unknown.add(id)
      else ended.add(id)
      if (told === 'acknowledged') for (const earlier of write.before) gone.add(earlier)
    },
    replaced: () => new Set(gone),
    allows: (value, replaced) => possible(replaced).some((w) => w.value === value),
    decided: () => unknown.size === 0,
    unsettled: () => [...writes.keys()].filter((id) => !failed.has(id)).length,
    untouched: () => [...writes.keys()].every((id) => failed.has(id)),
  }
}
