import type { Clock } from '../core/clock.ts'
import type { IntegrationRow, IntegrationState, Ledger } from './ledger.ts'
import type { Memory } from './memory.ts'
import type { Replicas } from './postgres/replicas.ts'

/*
 * What one replica may trust. First the lease, then the load, then serving from memory: a writer that leaves a debt
 * waits for every replica whose lease it can see, so a replica that loads after its lease is visible misses nothing.
 * When the lease is over the memory is not trusted until it was joined and loaded again; until then each read asks.
 */
export interface Replica {
  readonly id: string
  readonly memory: Memory
  /** Joins, loads, and serves. Rejects with `ledger-unavailable` while the ledger cannot be reached. */
  start(): Promise<void>
  /** Renews, learns changes of state and puts them into effect; rejoins after a lost lease. Never rejects. */
  refresh(): Promise<void>
  /** The lease holds and the memory is loaded. */
  trusted(): boolean
  /** Null until the ledger was reached once. */
  state(integration: string): IntegrationState | null
  /** The inventory mark was seen and the debts were loaded after it. */
  inventoried(integration: string): boolean
  /** Messages may have been missed: the memory is not trusted until it was loaded again. */
  distrust(): void
  /** Leaves; takes no lease any more. */
  stop(): Promise<void>
}

export interface ReplicaOptions {
  readonly id: string
  readonly name: string
  readonly lease: number
  readonly ledger: Pick<Ledger, 'load' | 'integrations'>
  readonly replicas: Pick<Replicas, 'join' | 'renew' | 'leave' | 'relinquish'>
  readonly memory: Memory
  readonly clock: Clock
  /** Resolves when every write that was begun without the ledger has ended and can no longer land. */
  readonly drained: (integration: string) => Promise<void>
  /** Whether messages of other replicas arrive now; a deaf replica gives its lease back and asks the ledger. */
  readonly hears: () => boolean
  /** Told of each change that was put into effect. */
  readonly onState?: (row: IntegrationRow) => void
  readonly onLease?: (held: boolean) => void
  /** Told after each attempt whether the ledger answered. */
  readonly onLedger?: (answers: boolean) => void
  /** Versions of other things that this replica follows, recorded beside the epochs; keys that no integration can have. */
  readonly alsoApplied?: () => Readonly<Record<string, number>>
}

export function makeReplica(options: ReplicaOptions): Replica {
  const { id, name, lease, ledger, replicas, memory, clock } = options
  const marks = new Set<string>()
  const applied = new Map<string, number>()
  let leaseEnd = Number.NEGATIVE_INFINITY
  let loaded = false
  /** Grows when messages may have been missed: a load that was under way then proves nothing. */
  let doubts = 0
  let reached = false
  let stopped = false
  let refreshing: Promise<void> | null = null

  const trusted = (): boolean => loaded && options.hears() && clock.monotonic() < leaseEnd

  const load = async (): Promise<void> => {
    const snapshot = await ledger.load()
    memory.merge(snapshot.debts)
    learn(snapshot.integrations)
    for (const row of snapshot.integrations) if (row.inventoried) marks.add(row.integration)
    reached = true
  }

  const join = async (): Promise<void> => {
    loaded = false
    const before = doubts
    memory.forget()
    const sent = clock.monotonic()
    await replicas.join({ id, name, lease })
    leaseEnd = sent + lease
    await load()
    loaded = before === doubts
    if (loaded) options.onLease?.(true)
  }

  const record = (): Readonly<Record<string, number>> => ({
    ...Object.fromEntries(applied),
    ...options.alsoApplied?.(),
  })

  /** New states take effect at once for new operations; they are acknowledged when the old ones have drained. */
  const learn = (rows: readonly IntegrationRow[]): readonly IntegrationRow[] => {
    const news = rows.filter((row) => (memory.integration(row.integration)?.epoch ?? 0) < row.epoch)
    memory.learn(news)
    // An integration that left the ledger and came back is inventoried anew.
    for (const row of news) if (!row.inventoried) marks.delete(row.integration)
    return news
  }

  const takeEffect = async (rows: readonly IntegrationRow[]): Promise<void> => {
    // The snapshot must be younger than the mark: the inventory may have made debts of names that only new holds.
    if (rows.some((row) => row.inventoried && !marks.has(row.integration))) await load()
    for (const row of rows) {
      if (row.state === 'enrolling') await options.drained(row.integration)
      if (LEDGERLESS.has(row.state)) memory.forget(row.integration)
      applied.set(row.integration, row.epoch)
      options.onState?.(row)
    }
  }

  const renew = async (): Promise<void> => {
    const sent = clock.monotonic()
    const { renewed, integrations } = await replicas.renew({ id, lease, applied: record() })
    if (!renewed) {
      options.onLease?.(false)
      return join()
    }
    leaseEnd = sent + lease
    learn(integrations)
    const pending = notApplied(integrations)
    if (pending.length === 0) return
    await takeEffect(pending)
    await replicas.renew({ id, lease, applied: record() })
  }

  const notApplied = (rows: readonly IntegrationRow[]): readonly IntegrationRow[] =>
    rows.filter((row) => (applied.get(row.integration) ?? 0) < row.epoch)

  /**
   * It hears nothing: no writer shall wait for it. What changed is put into effect all the same, and said: a barrier
   * waits for every registered replica, with a lease or without.
   */
  const deaf = async (): Promise<void> => {
    loaded = false
    leaseEnd = Number.NEGATIVE_INFINITY
    await replicas.relinquish(id, { name, applied: record() })
    const rows = await ledger.integrations()
    learn(rows)
    const pending = notApplied(rows)
    if (pending.length === 0) return
    await takeEffect(pending)
    await replicas.relinquish(id, { name, applied: record() })
  }

  const attempt = async (): Promise<void> => {
    if (stopped) return
    try {
      if (!options.hears()) await deaf()
      else await (loaded ? renew() : join())
      options.onLedger?.(true)
    } catch {
      options.onLedger?.(false)
      if (!trusted()) options.onLease?.(false)
    }
  }

  return {
    id,
    memory,
    start: async () => {
      await join()
      await attempt()
    },
    refresh: () => {
      refreshing ??= attempt().finally(() => {
        refreshing = null
      })
      return refreshing
    },
    trusted,
    state: (integration) => (reached ? (memory.integration(integration)?.state ?? 'bare') : null),
    inventoried: (integration) => marks.has(integration),
    distrust: () => {
      loaded = false
      doubts += 1
    },
    stop: async () => {
      stopped = true
      // A renewal on its way would find the row gone and take a lease anew.
      await refreshing
      await replicas.leave(id).catch(() => undefined)
    },
  }
}

/**
 * States in which a side is pinned and no debt of the integration may be remembered; and `enrolling`, in which none is
 * announced yet, because `seq` starts anew: an entry of an earlier life would outrank what is to come.
 */
const LEDGERLESS: ReadonlySet<IntegrationState> = new Set(['bare', 'enrolling', 'new-only', 'finalized', 'legacy-only'])
