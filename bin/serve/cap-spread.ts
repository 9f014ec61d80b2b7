import type { Clock } from '../../core/clock.ts'
import type { Cap, CapBook, CapKey } from '../../flags/caps.ts'
import { phaseRank } from '../../flags/phase.ts'
import type { Bus } from '../../ledger/bus.ts'
import type { CapRecords } from '../../ledger/postgres/records.ts'
import type { CapFile } from './cap-file.ts'
import { BOUND, CAPS_KEY, type CapReach, type Reached, SILENCE } from './cap-reach.ts'
import { identityOf, keyOf, readCaps } from './cap-shape.ts'

/*
 * Caps on every replica. The durable ones count; a revision says whether a replica's own are current. The bus only makes it
 * quick: a new cap travels in the message itself, so that a rollback reaches the others although the ledger is down.
 *
 * Whoever runs a cap that the ledger does not have yet keeps it, and writes it when the ledger is back: so it outlives the
 * process that was asked. Each cap is made durable once, by its identity; one that was lifted meanwhile is not written
 * again by who comes late, and leaves his memory. A replica that starts asks the others what the ledger does not have, and
 * is not ready before all have answered, or the ledger has been there for long enough that they have written it.
 */
export interface CapSpread {
  /** Makes the book hold what is durable, and what waits to be. Rejects with `ledger-unavailable`. */
  load(): Promise<void>
  /** Before this replica may be ready. Rejects with `ledger-unavailable`. */
  learn(signal: AbortSignal): Promise<void>
  /** Looks whether anything changed, and writes what waits; never rejects. */
  follow(): Promise<void>
  /** In effect here at once, whatever happens. Resolves when the others have it, or after a bounded time. */
  add(caps: readonly Cap[]): Promise<Added>
  /** Durable first. Rejects with `ledger-unavailable`. */
  remove(caps: readonly CapKey[]): Promise<Reached>
  /** Who runs the caps that hold now, and whether all of them are durable. */
  state(): Promise<Added>
}

export interface Added {
  /** False: a cap is in effect from memory, and written when the ledger is back. */
  readonly durable: boolean
  readonly replicas: Reached
}

export interface CapSpreadParts {
  readonly self: string
  readonly name: string
  readonly book: CapBook
  readonly records: CapRecords<Cap>
  readonly bus: Bus
  /** Without one nobody else can hold a cap. */
  readonly isAlone: boolean
  readonly reach: CapReach
  /** Keeps what the ledger does not have, over the end of this process. */
  readonly file: CapFile
  /** Recorded in this replica's row at its next refresh. */
  readonly follows: Record<string, number>
  readonly clock: Clock
  readonly newId: () => string
  /** This replica was the one that made it durable: once a cap, on one replica. */
  readonly onDurable?: (cap: Cap) => void
  /** Told at each look. */
  readonly onReached?: (reached: Reached) => void
}

/** ms between questions to those that have not answered, and after which one that lives may have answered. */
const ASK = 100
const ANSWERED = 500

export function makeCapSpread(parts: CapSpreadParts): CapSpread {
  const { self, book, records, bus, clock, follows, reach, file } = parts
  const unsaved = new Map<string, Cap>()
  /** Who has answered the question of this replica's start. */
  const answered = new Set<string>()

  const load = async (): Promise<void> => {
    const { revision, caps } = await records.loadAt()
    for (const cap of caps)
      if (identityOf(unsaved.get(keyOf(cap)) ?? cap) === identityOf(cap)) unsaved.delete(keyOf(cap))
    const held = new Map(caps.map((cap) => [keyOf(cap), cap]))
    for (const cap of unsaved.values()) if (!isAbove(cap, held.get(keyOf(cap)))) held.set(keyOf(cap), cap)
    book.replace([...held.values()])
    follows[CAPS_KEY] = revision
  }

  /** From now on in effect here. One of a lower phase stays: neither a rollback nor the guard ever raises one. */
  const apply = (caps: readonly Cap[]): void => {
    const held = new Map(book.list().map((cap) => [keyOf(cap), cap]))
    for (const cap of caps) {
      if (isAbove(cap, held.get(keyOf(cap)))) continue
      book.add(cap)
      unsaved.set(keyOf(cap), cap)
    }
  }

  /** What is written already, or was and is lifted, is known as such and leaves. */
  const save = async (caps: readonly Cap[]): Promise<void> => {
    let late = false
    for (const cap of caps) {
      const saved = await records.save(cap, identityOf(cap))
      if (unsaved.get(keyOf(cap)) === cap) unsaved.delete(keyOf(cap))
      if (saved) parts.onDurable?.(cap)
      else late = true
    }
    file.keep([...unsaved.values()])
    if (late) await load()
  }

  const tell = (caps: readonly Cap[] | null): string => {
    const id = parts.newId()
    reach.begin(id)
    bus.publish({ kind: 'look', from: self, what: 'caps', id, ...(caps === null ? {} : { caps }) })
    return id
  }

  const ask = (): void => bus.publish({ kind: 'ask-caps', from: self, id: parts.newId() })

  bus.onMessage((message) => {
    if (message.kind === 'acknowledged') reach.acknowledge(message.id, message.from)
    if (message.from === self) return
    if (message.kind === 'ask-caps') {
      const { id } = message
      bus.publish({ kind: 'unsaved-caps', from: self, id, caps: [...unsaved.values()] })
    }
    if (message.kind === 'unsaved-caps') {
      apply(readCaps(message.caps))
      answered.add(message.from)
    }
    if (message.kind !== 'look' || message.what !== 'caps') return
    const { id, caps } = message
    const done = (): unknown => id !== undefined && bus.publish({ kind: 'acknowledged', from: self, id })
    if (caps === undefined) load().then(done, () => undefined)
    else {
      apply(readCaps(caps))
      done()
    }
  })
  // Who was deaf may have missed one that the ledger does not have either.
  bus.onHearing((hears) => hears && ask())

  /** Writes what the ledger can take within a bounded time; null: it could not. */
  const saved = async (caps: readonly Cap[]): Promise<number | null> => {
    const stop = new AbortController()
    const saving = save(caps).then(records.revision)
    const tooLong = clock.sleep(BOUND, stop.signal).then(
      () => null,
      () => null,
    )
    const revision = await Promise.race([saving, tooLong]).catch(() => null)
    stop.abort()
    if (revision === null) file.keep([...unsaved.values()])
    return revision
  }

  return {
    load,
    learn: async (signal) => {
      apply(file.read())
      await load()
      answered.clear()
      const start = clock.monotonic()
      while (!parts.isAlone) {
        const others = (await reach.registered()).filter(({ id, name }) => id !== self && name !== parts.name)
        const silent = others.filter(({ id }) => !answered.has(id))
        const waited = clock.monotonic() - start
        // Somebody's lease has held for that long: so has the ledger, and whoever reaches it has written.
        const isProven = others.some(({ live, joinedFor }) => live && (joinedFor ?? 0) > SILENCE)
        if (silent.length === 0 || waited >= (isProven ? ANSWERED : SILENCE)) break
        ask()
        await clock.sleep(ASK, signal)
      }
      await load()
    },
    follow: async () => {
      try {
        if ((await records.revision()) !== follows[CAPS_KEY]) await load()
        if (unsaved.size > 0) await save([...unsaved.values()])
        parts.onReached?.(await reach.now(follows[CAPS_KEY] ?? 0))
      } catch {
        // The ledger is away; what is in memory goes on.
      }
    },
    add: async (caps) => {
      apply(caps)
      const round = tell(caps)
      const revision = await saved(caps)
      return { durable: revision !== null, replicas: await reach.reached(round, revision) }
    },
    remove: async (caps) => {
      // One that waits to be written here waits elsewhere, too: only what was durable once cannot come back.
      await save([...unsaved.values()])
      for (const cap of caps) {
        await records.remove(cap)
        book.remove(cap)
      }
      const round = tell(null)
      return reach.reached(round, await records.revision())
    },
    state: async () => ({ durable: unsaved.size === 0, replicas: await reach.now(follows[CAPS_KEY] ?? 0) }),
  }
}

/** It would raise what holds. Gates alone may: they say anew at each look what they hold back. */
const isAbove = (cap: Cap, held: Cap | undefined): boolean =>
  held !== undefined && cap.kind !== 'gate' && phaseRank(cap.phase) > phaseRank(held.phase)
