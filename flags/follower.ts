import type { EventEmitter } from 'node:events'
import type { Clock } from '../core/clock.ts'
import type { Doubt } from './decision.ts'
import { historyOf } from './history.ts'
import { type FlagChange, type Hold, type Intake, judgeSnapshot } from './intake.ts'
import { type PhaseMemory, rememberedFlags } from './memory.ts'
import type { FlagsMetrics } from './metrics.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { PhasesEvents } from './phases.ts'
import type { FlagSnapshot } from './snapshot.ts'
import type { FlagSource } from './source.ts'
import type { Tracks } from './tracks.ts'

/*
 * Takes the source's snapshots to the tracks, one at a time, the newest always. A changed definition is remembered first
 * and takes effect when that is durable (I6): a restart without flags must not fall back to a phase that stood before
 * it. The one exception is a flag that is switched off: it takes effect at once and is remembered after, because whoever
 * reaches for `off` must not wait for the ledger. What cannot be remembered waits, says so, and is tried again.
 *
 * An answer that `max_moves` holds is let through by an operator, on one replica. The others see it in the memory that
 * all share: what is remembered was accepted, so while a replica holds, it looks there again and again.
 */

export interface FollowerParts<Cached = unknown> {
  readonly source: FlagSource
  readonly memory: PhaseMemory
  readonly clock: Clock
  readonly maxMoves: number | null
  readonly metrics?: FlagsMetrics
  readonly tracks: Pick<Tracks<Cached>, 'histories' | 'recordWith' | 'apply' | 'doubt'>
  readonly events: EventEmitter<PhasesEvents>
}

/** ms between two tries to remember, or to find remembered what is held. */
const RETRY = 1_000

export class Follower {
  readonly #parts: FollowerParts
  readonly #stopping = new AbortController()
  /** The snapshot that `max_moves` holds, and the one that was let through. */
  #held: { readonly snapshot: FlagSnapshot; readonly hold: Hold } | null = null
  #admitted: FlagSnapshot | null = null
  /** Switched-off flags that took effect and are not remembered yet. */
  readonly #owed = new Map<string, FlagChange>()
  #waiting = false

  constructor(parts: FollowerParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    this.#parts.source.events.on('flags', this.#onFlags)
    await this.look()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#parts.source.events.off('flags', this.#onFlags)
    await this.look()
  }

  readonly #onFlags = (): void => {
    void this.look()
  }

  /** Judges the source's snapshot; resolves when what can take effect has. */
  readonly look = oneAtATime(() => this.#lookOnce())

  held(): Hold | null {
    return this.#held?.hold ?? null
  }

  /** Lets through what is held now; a newer answer that came meanwhile is judged anew, and null is answered. */
  async acceptHeld(): Promise<Hold | null> {
    const held = this.#held
    if (held === null) return null
    this.#admitted = held.snapshot
    await this.look()
    return this.#held === null && this.#parts.source.snapshot() === held.snapshot ? held.hold : null
  }

  async #lookOnce(): Promise<void> {
    const snapshot = this.#parts.source.snapshot()
    if (this.#stopping.signal.aborted || snapshot === null) return
    await this.#take(snapshot)
    this.#parts.events.emit('settled')
  }

  async #take(snapshot: FlagSnapshot): Promise<void> {
    const { tracks } = this.#parts
    const histories = tracks.histories()
    const intake = await this.#judge(snapshot)
    // The doubt about a flag that changed goes when the change takes effect, not before.
    const changed = new Set(intake.kind === 'accept' ? intake.changes.map(({ integration }) => integration) : [])
    for (const integration of histories.keys()) {
      if (!changed.has(integration)) tracks.doubt(integration, intake.doubts.get(integration) ?? null)
    }
    if (intake.kind === 'hold') return this.#hold(snapshot, intake)
    this.#held = null
    return this.#accept(intake.changes)
  }

  /** Asks the memory only about an answer that would be held: other replicas may have been told to let it through. */
  async #judge(snapshot: FlagSnapshot): Promise<Intake> {
    const histories = this.#parts.tracks.histories()
    const limit = snapshot === this.#admitted ? null : this.#parts.maxMoves
    const intake = judgeSnapshot(snapshot, histories, limit)
    if (intake.kind === 'accept') return intake
    const remembered = await rememberedFlags(this.#parts.memory).catch(() => [])
    const accepted = remembered.map((record) => [record.integration, historyOf(record)[0]?.key ?? ''] as const)
    return judgeSnapshot(snapshot, histories, limit, new Map(accepted))
  }

  #hold(snapshot: FlagSnapshot, hold: Hold): void {
    const { metrics, events } = this.#parts
    const isNew = this.#held?.snapshot !== snapshot
    this.#held = { snapshot, hold }
    this.#lookAgain()
    if (!isNew) return
    metrics?.snapshots.inc({ outcome: 'held' })
    events.emit('held', { moves: hold.moves, limit: hold.limit })
  }

  async #accept(changes: readonly FlagChange[]): Promise<void> {
    const at = this.#parts.clock.wall()
    for (const change of changes) this.#owed.delete(change.integration)
    const records = new Map(
      changes.map((c) => [c.integration, this.#parts.tracks.recordWith(c.integration, c.definition, at)]),
    )
    for (const change of changes.filter(isSwitchedOff)) {
      this.#apply(change, at)
      this.#owed.set(change.integration, change)
    }
    for (const owed of this.#owed.values()) {
      records.set(owed.integration, this.#parts.tracks.recordWith(owed.integration, owed.definition, at))
    }
    if (records.size === 0) return
    try {
      await this.#parts.memory.remember([...records.values()])
    } catch (error) {
      return this.#wait(changes, error)
    }
    this.#owed.clear()
    for (const change of changes) if (!isSwitchedOff(change)) this.#apply(change, at)
    this.#parts.metrics?.snapshots.inc({ outcome: 'accepted' })
  }

  #apply({ integration, definition, moves }: FlagChange, at: number): void {
    this.#parts.tracks.apply(integration, definition, at)
    if (!moves) return
    this.#parts.metrics?.moves.inc()
    this.#parts.events.emit('moved', { integration, at })
  }

  #wait(changes: readonly FlagChange[], error: unknown): void {
    const doubt: Doubt = { kind: 'not-durable', detail: 'the changed flag cannot be remembered yet' }
    const waiting = changes.filter((change) => !isSwitchedOff(change)).map(({ integration }) => integration)
    for (const integration of waiting) this.#parts.tracks.doubt(integration, doubt)
    this.#parts.metrics?.snapshots.inc({ outcome: 'waiting' })
    this.#parts.events.emit('waiting', {
      integrations: waiting,
      error: error instanceof Error ? error.message : 'unknown',
    })
    this.#lookAgain()
  }

  /** One at a time, however many answers arrive meanwhile. */
  #lookAgain(): void {
    if (this.#waiting) return
    this.#waiting = true
    this.#parts.clock.sleep(RETRY, this.#stopping.signal).then(
      () => {
        this.#waiting = false
        return this.look()
      },
      () => {},
    )
  }
}

const isSwitchedOff = ({ definition }: FlagChange): boolean => !definition.feature.enabled
