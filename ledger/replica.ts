import type { Address } from '../backends/secret.ts'
import type { Clock } from '../core/clock.ts'
import type { Debt, IntegrationRow, IntegrationState, Ledger } from './ledger.ts'
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
  /**
   * Renews the lease, or takes one anew, and learns changes of state. It never waits for what follows of that, such as a load
   * or a drain, which goes on beside it. Never rejects.
   */
  keep(): Promise<void>
  /** The same, and waits until what was learned is loaded and in effect. Never rejects. */
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
  readonly ledger: Pick<Ledger, 'debts' | 'integrations'>
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
  const known = new Set<string>()
  let leaseEnd = Number.NEGATIVE_INFINITY
  let joined = false
  let loaded = false
  /** Grows when messages may have been missed: a load that was under way then proves nothing. */
  let doubts = 0
  let reached = false
  let stopped = false

  const trusted = (): boolean => loaded && options.hears() && clock.monotonic() < leaseEnd

  const join = async (): Promise<void> => {
    loaded = false
    joined = false
    doubts += 1
    memory.forget()
    const sent = clock.monotonic()
    await replicas.join({ id, name, lease })
    leaseEnd = sent + lease
    joined = true
  }

  /**
   * The lease is visible while it goes on, so that what changes meanwhile is told to this replica, and merged by `seq`; states
   * first, for the same reason. False: messages may have been missed, and it proves nothing.
   */
  const load = async (): Promise<boolean> => {
    const before = doubts
    const states = await ledger.integrations()
    for (let after: Address | null = null; ; ) {
      const page: readonly Debt[] = await ledger.debts(after, PAGE)
      memory.merge(page)
      if (doubts !== before || stopped) return false
      if (page.length < PAGE) break
      after = page.at(-1)?.address ?? null
    }
    learn(states)
    for (const row of states) if (row.inventoried) marks.add(row.integration)
    reached = true
    return true
  }

  const record = (): Readonly<Record<string, number>> => ({
    ...Object.fromEntries(applied),
    ...options.alsoApplied?.(),
  })

  /** New states take effect at once for new operations; they are acknowledged when the old ones have drained. */
  const learn = (rows: readonly IntegrationRow[]): void => {
    // A write may have learned them already.
    const news = rows.filter((row) => (memory.integration(row.integration)?.epoch ?? 0) <= row.epoch)
    memory.learn(news)
    for (const row of news) {
      known.add(row.integration)
      // An integration that left the ledger and came back is inventoried anew.
      if (!row.inventoried) marks.delete(row.integration)
    }
  }

  const notApplied = (): readonly IntegrationRow[] =>
    [...known].flatMap((integration) => {
      const row = memory.integration(integration)
      return row === undefined || (applied.get(integration) ?? 0) >= row.epoch ? [] : [row]
    })

  const takeEffect = async (rows: readonly IntegrationRow[]): Promise<void> => {
    // The snapshot must be younger than the mark: the inventory may have made debts of names that only new holds.
    if (rows.some((row) => row.inventoried && !marks.has(row.integration)) && !(await load())) return
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
    if (renewed) {
      leaseEnd = sent + lease
      return learn(integrations)
    }
    options.onLease?.(false)
    return join()
  }

  /**
   * It hears nothing: no writer shall wait for it. What changed is put into effect all the same, and said: a barrier
   * waits for every registered replica, with a lease or without.
   */
  const deaf = async (): Promise<void> => {
    loaded = false
    joined = false
    leaseEnd = Number.NEGATIVE_INFINITY
    await replicas.relinquish(id, { name, applied: record() })
    learn(await ledger.integrations())
  }

  const acknowledge = async (): Promise<void> => {
    if (options.hears()) await replicas.renew({ id, lease, applied: record() })
    else await replicas.relinquish(id, { name, applied: record() })
  }

  /** The lease asks the ledger each time, and so only it can tell that the ledger answers. */
  const attempt = (work: () => Promise<void>, answered: () => void) => async (): Promise<void> => {
    if (stopped) return
    try {
      await work()
      answered()
    } catch {
      options.onLedger?.(false)
      if (!trusted()) options.onLease?.(false)
    }
  }

  const leasing = single(
    attempt(
      () => (!options.hears() ? deaf() : joined ? renew() : join()),
      () => options.onLedger?.(true),
    ),
  )

  /** What was learned is loaded and put into effect. */
  const catchUp = async (): Promise<void> => {
    if (joined && !loaded) {
      loaded = (await load()) && joined
      if (!loaded) return
      options.onLease?.(true)
    }
    if (!loaded && options.hears()) return
    const pending = notApplied()
    if (pending.length === 0) return
    await takeEffect(pending)
    await acknowledge()
  }

  const catching = single(attempt(catchUp, () => undefined))

  return {
    id,
    memory,
    start: async () => {
      await join()
      const loading = new AbortController()
      void keepWhile(loading.signal)
      try {
        await catchUp()
      } finally {
        loading.abort()
      }
      await leasing()
      await catching()
    },
    keep: async () => {
      await leasing()
      void catching()
    },
    refresh: async () => {
      await leasing()
      await catching()
    },
    trusted,
    state: (integration) => (reached ? (memory.integration(integration)?.state ?? 'bare') : null),
    inventoried: (integration) => marks.has(integration),
    distrust: () => {
      loaded = false
      joined = false
      doubts += 1
    },
    stop: async () => {
      stopped = true
      // A renewal on its way would find the row gone and take a lease anew.
      await leasing()
      await replicas.leave(id).catch(() => undefined)
    },
  }

  /** A first load may take longer than a lease. */
  async function keepWhile(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(lease / 4, signal).catch(() => undefined)
      if (!signal.aborted) await leasing()
    }
  }
}

/** Debts of one page of a load: a statement that takes some milliseconds. */
const PAGE = 5000

/** Of calls that meet, all share the one that is under way. */
function single(work: () => Promise<void>): () => Promise<void> {
  let under: Promise<void> | null = null
  return () => {
    under ??= work().finally(() => {
      under = null
    })
    return under
  }
}

/**
 * States in which a side is pinned and no debt of the integration may be remembered; and `enrolling`, in which none is
 * announced yet, because `seq` starts anew: an entry of an earlier life would outrank what is to come.
 */
const LEDGERLESS: ReadonlySet<IntegrationState> = new Set(['bare', 'enrolling', 'new-only', 'finalized', 'legacy-only'])
