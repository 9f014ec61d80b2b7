import type { Address } from '../backends/secret.ts'
import type { Clock } from '../core/clock.ts'
import type { Bus } from './bus.ts'
import type { Debt } from './ledger.ts'
import type { Memory } from './memory.ts'
import type { Replicas } from './postgres/replicas.ts'

/*
 * A write that leaves a debt is answered when every live replica knows of it. The list of live replicas is read after
 * the debt became durable, in a statement of its own: a replica that takes its lease later loads the debt. Each replica
 * on the list acknowledges, or its lease is over; one that stays silent loses its lease, so the wait is bounded by one
 * lease, once, whatever became of that replica. One that lives finds its lease gone, joins again and loads the debt:
 * then nobody waits for it any longer, although no message of it ever came.
 */
export interface Coherence {
  /** Resolves when every replica that was live after the debt became durable knows of it. The own replica first. */
  announce(debt: Debt): Promise<void>
  /** The secret owes nothing any more; may be lost or late. */
  strike(address: Address, seq: number): void
}

/** One replica alone: its own memory is all there is to tell. */
export const soleReplica = (memory: Memory): Coherence => ({
  announce: async (debt) => memory.debt(debt),
  strike: (address, seq) => memory.strike(address, seq),
})

export interface CoherenceParts {
  readonly id: string
  readonly bus: Bus
  readonly memory: Memory
  readonly replicas: Pick<Replicas, 'live' | 'revoke'>
  readonly clock: Clock
  readonly newId: () => string
  /** ms to wait for an acknowledgement before the silent replica's lease is revoked. */
  readonly patience: number
  readonly onRevoked?: (ids: readonly string[]) => void
}

interface Pending {
  readonly debt: Debt
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export function makeCoherence(parts: CoherenceParts): Coherence {
  const { id: self, bus, memory, replicas, clock } = parts
  const awaited = new Map<string, { readonly silent: Set<string>; readonly done: () => void }>()
  let pending: Pending[] = []
  let listing = false

  bus.onMessage((message) => {
    switch (message.kind) {
      case 'debts':
        if (message.from === self) return
        memory.merge(message.debts)
        bus.publish({ kind: 'acknowledged', from: self, id: message.id })
        return
      case 'acknowledged': {
        const round = awaited.get(message.id)
        if (round?.silent.delete(message.from) && round.silent.size === 0) round.done()
        return
      }
      case 'strike':
        memory.strike(message.address, message.seq)
        return
      case 'look':
      case 'ask-caps':
      case 'unsaved-caps':
      case 'figures':
        return
    }
  })

  /** What is announced while the list is being read goes with the next list: every debt is older than its list. */
  const round = async (): Promise<void> => {
    listing = true
    const batch = pending
    pending = []
    const listed = replicas.live().then(
      (live) => ({ live }),
      (error: unknown) => ({ error }),
    )
    const answer = await listed
    listing = false
    if (pending.length > 0) void round()
    if ('error' in answer) {
      for (const p of batch) p.reject(answer.error)
      return
    }
    const others = answer.live.map((replica) => replica.id).filter((id) => id !== self)
    try {
      await tell(
        batch.map((p) => p.debt),
        others,
      )
      for (const p of batch) p.resolve()
    } catch (error) {
      for (const p of batch) p.reject(error)
    }
  }

  const tell = async (debts: readonly Debt[], others: readonly string[]): Promise<void> => {
    if (others.length === 0) return
    const id = parts.newId()
    const silent = new Set(others)
    const everybody = new Promise<void>((done) => awaited.set(id, { silent, done }))
    bus.publish({ kind: 'debts', from: self, id, debts })
    const stop = new AbortController()
    try {
      await Promise.race([everybody, bounded(silent, stop.signal)])
    } finally {
      stop.abort()
      awaited.delete(id)
    }
  }

  const bounded = async (silent: ReadonlySet<string>, signal: AbortSignal): Promise<void> => {
    // Who hears nothing cannot be answered.
    if (bus.hears()) await quietly(clock.sleep(parts.patience, signal))
    if (signal.aborted || silent.size === 0) return
    const ids = [...silent]
    const remaining = await replicas.revoke(ids)
    // One ms more than the ledger says: its answer was rounded, and the replica stops at the instant itself.
    const end = clock.monotonic() + remaining + 1
    parts.onRevoked?.(ids)
    for (let pause = parts.patience; !signal.aborted; pause *= 2) {
      const left = end - clock.monotonic()
      if (left <= 0) return
      await quietly(clock.sleep(Math.min(pause, left), signal))
      if (pause < left && !signal.aborted && (await allReturned(ids))) return
    }
  }

  /** Each has joined again since its lease was revoked, after the debt was durable, or holds no lease. */
  const allReturned = async (ids: readonly string[]): Promise<boolean> => {
    const live = await replicas.live().catch(() => null)
    return live?.every((replica) => !ids.includes(replica.id) || replica.revoked === false) ?? false
  }

  return {
    announce: (debt) => {
      memory.debt(debt)
      return new Promise((resolve, reject) => {
        pending.push({ debt, resolve, reject })
        if (!listing) void round()
      })
    },
    strike: (address, seq) => {
      memory.strike(address, seq)
      bus.publish({ kind: 'strike', from: self, address, seq })
    },
  }
}

/** A sleep that was called off is no failure. */
const quietly = (sleep: Promise<void>): Promise<void> => sleep.catch(() => undefined)
