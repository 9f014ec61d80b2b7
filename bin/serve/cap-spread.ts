import { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { CAP_KINDS, type Cap, type CapBook, type CapKey } from '../../flags/caps.ts'
import { PHASES } from '../../flags/phase.ts'
import type { Bus } from '../../ledger/bus.ts'
import type { CapRecords } from '../../ledger/postgres/records.ts'
import type { RegisteredReplica, Replicas } from '../../ledger/postgres/replicas.ts'

/*
 * Caps on every replica. The durable ones count; a revision says whether a replica's own are current, and each replica
 * records in its row which revision it runs. The bus only makes it quick: a new cap travels in the message itself, so
 * that a rollback reaches the others although the ledger is down. One that could not be written is kept by the replica
 * that was asked, and written as soon as the ledger is back.
 */
export interface CapSpread {
  /** Makes the book hold what is durable. Rejects with `ledger-unavailable`. */
  load(): Promise<void>
  /** Looks whether anything changed; never rejects. */
  follow(): Promise<void>
  /** In effect here at once, whatever happens. Resolves when the others have it, or after a bounded time. */
  add(caps: readonly Cap[]): Promise<{ readonly durable: boolean; readonly replicas: Reached }>
  /** Durable first. Rejects with `ledger-unavailable`. */
  remove(caps: readonly CapKey[]): Promise<Reached>
}

/** Replicas that run the caps now, of those that live. */
export interface Reached {
  readonly applied: number
  readonly of: number
}

export interface CapSpreadParts {
  readonly self: string
  readonly book: CapBook
  readonly records: CapRecords<Cap>
  readonly bus: Bus
  readonly replicas: Pick<Replicas, 'registered'>
  /** Recorded in this replica's row at its next refresh. */
  readonly follows: Record<string, number>
  readonly clock: Clock
  readonly newId: () => string
  readonly onLive?: (count: number) => void
}

/** No integration can have this name; the revision of the caps that a replica runs. */
export const CAPS_KEY = '*caps'
/** ms to wait for the others, and how often the ledger is asked meanwhile. */
const BOUND = 1000
const LOOK = 25
/** ms after which a replica without a lease, and without any sign of life, is not waited for. */
const SILENCE = 5000

const capShape = z.object({
  integration: z.string(),
  cohort: z.string().nullable(),
  kind: z.enum(CAP_KINDS),
  phase: z.enum(PHASES),
  reason: z.string(),
  by: z.string(),
  at: z.number(),
})

const keyOf = ({ kind, integration, cohort }: CapKey): string => JSON.stringify([kind, integration, cohort])

export function makeCapSpread(parts: CapSpreadParts): CapSpread {
  const { self, book, records, bus, clock, follows } = parts
  const unsaved = new Map<string, Cap>()
  const acknowledged = new Map<string, Set<string>>()
  let known: readonly RegisteredReplica[] = []

  const load = async (): Promise<void> => {
    const { revision, caps } = await records.loadAt()
    book.replace([...caps.filter((cap) => !unsaved.has(keyOf(cap))), ...unsaved.values()])
    follows[CAPS_KEY] = revision
  }

  const save = async (caps: readonly Cap[]): Promise<void> => {
    for (const cap of caps) {
      await records.save(cap)
      if (unsaved.get(keyOf(cap)) === cap) unsaved.delete(keyOf(cap))
    }
  }

  const list = async (): Promise<readonly RegisteredReplica[]> => {
    const all = await parts.replicas.registered()
    known = all.filter((replica) => replica.live || (replica.silentFor ?? 0) < SILENCE)
    parts.onLive?.(all.filter(({ live }) => live).length)
    return known
  }

  /** `revision` null: nothing durable can say who has it, only who answers. */
  const reached = async (round: string, revision: number | null): Promise<Reached> => {
    const has = (replica: RegisteredReplica): boolean =>
      acknowledged.get(round)?.has(replica.id) || (revision !== null && (replica.applied[CAPS_KEY] ?? -1) >= revision)
    const stop = new AbortController()
    const end = clock.monotonic() + BOUND
    const over = clock.sleep(BOUND, stop.signal).then(
      () => known,
      () => known,
    )
    try {
      for (;;) {
        const seen = await Promise.race([list().catch(() => known), over])
        const others = seen.filter(({ id }) => id !== self)
        const applied = others.filter(has).length
        const done = applied === others.length || clock.monotonic() >= end
        if (done) return { applied: applied + 1, of: others.length + 1 }
        await clock.sleep(LOOK)
      }
    } finally {
      stop.abort()
      acknowledged.delete(round)
    }
  }

  const tell = (caps: readonly Cap[] | null): string => {
    const id = parts.newId()
    acknowledged.set(id, new Set())
    bus.publish({ kind: 'look', from: self, what: 'caps', id, ...(caps === null ? {} : { caps }) })
    return id
  }

  const takeOver = async (caps: readonly unknown[] | undefined): Promise<void> => {
    if (caps === undefined) return load()
    for (const cap of caps) {
      const parsed = capShape.safeParse(cap)
      if (parsed.success) book.add(parsed.data)
    }
  }

  bus.onMessage((message) => {
    if (message.kind === 'acknowledged') acknowledged.get(message.id)?.add(message.from)
    if (message.kind !== 'look' || message.what !== 'caps' || message.from === self) return
    const { id } = message
    takeOver(message.caps).then(
      () => id !== undefined && bus.publish({ kind: 'acknowledged', from: self, id }),
      // Without the ledger it cannot look; the next refresh does.
      () => undefined,
    )
  })

  return {
    load,
    follow: async () => {
      try {
        if (unsaved.size > 0) await save([...unsaved.values()])
        if ((await records.revision()) !== follows[CAPS_KEY]) await load()
        await list()
      } catch {
        // The ledger is away; what is in memory goes on.
      }
    },
    add: async (caps) => {
      for (const cap of caps) {
        book.add(cap)
        unsaved.set(keyOf(cap), cap)
      }
      const round = tell(caps)
      const revision = await save(caps)
        .then(records.revision)
        .catch(() => null)
      return { durable: revision !== null, replicas: await reached(round, revision) }
    },
    remove: async (caps) => {
      for (const cap of caps) {
        await records.remove(cap)
        unsaved.delete(keyOf(cap))
        book.remove(cap)
      }
      const round = tell(null)
      return reached(round, await records.revision())
    },
  }
}
