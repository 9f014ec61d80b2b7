import type { Doubt } from './decision.ts'
import type { FlagDefinition } from './definition.ts'
import { extendHistory, type History, historyOf, recordOf } from './history.ts'
import type { PhaseRecord } from './memory.ts'

/** What is known of one integration's flag, and the decisions worked out from it. */
export interface Track<Cached> {
  readonly integration: string
  history: History
  doubt: Doubt | null
  /** Decisions by customer, good until `validUntil` (ms since the epoch). */
  readonly cache: Map<string, Cached>
  validUntil: number
}

/**
 * The tracks of the configured integrations. Records of integrations that the configuration does not name (any more) are
 * kept, so that an integration that comes back does not come back at `off`.
 */
export class Tracks<Cached> {
  readonly #tracks = new Map<string, Track<Cached>>()
  #records: ReadonlyMap<string, PhaseRecord> = new Map()

  load(records: readonly PhaseRecord[], integrations: readonly string[]): void {
    this.#records = new Map(records.map((record) => [record.integration, record]))
    this.#tracks.clear()
    this.configure(integrations)
  }

  configure(integrations: readonly string[]): void {
    const wanted = new Set(integrations)
    this.#retire([...this.#tracks.keys()].filter((integration) => !wanted.has(integration)))
    for (const integration of wanted) if (!this.#tracks.has(integration)) this.#open(integration)
  }

  #open(integration: string): void {
    const history = historyOf(this.#records.get(integration))
    this.#tracks.set(integration, { integration, history, doubt: null, cache: new Map(), validUntil: 0 })
  }

  #retire(integrations: readonly string[]): void {
    const records = new Map(this.#records)
    for (const integration of integrations) {
      const history = this.#tracks.get(integration)?.history ?? []
      if (history.length > 0) records.set(integration, recordOf(integration, history))
      this.#tracks.delete(integration)
    }
    this.#records = records
  }

  get(integration: string): Track<Cached> | undefined {
    return this.#tracks.get(integration)
  }

  all(): IterableIterator<Track<Cached>> {
    return this.#tracks.values()
  }

  histories(): ReadonlyMap<string, History> {
    return new Map([...this.#tracks.values()].map(({ integration, history }) => [integration, history]))
  }

  /** The record to remember if this definition became the newest. */
  recordWith(integration: string, definition: FlagDefinition, at: number): PhaseRecord {
    return recordOf(integration, extendHistory(this.#tracks.get(integration)?.history ?? [], definition, at))
  }

  /** Makes the definition the one that decides. */
  apply(integration: string, definition: FlagDefinition, at: number): void {
    const track = this.#tracks.get(integration)
    if (track === undefined) return
    track.history = extendHistory(track.history, definition, at)
    track.doubt = null
    track.cache.clear()
    track.validUntil = 0
  }

  doubt(integration: string, doubt: Doubt | null): void {
    const track = this.#tracks.get(integration)
    if (track === undefined || (track.doubt?.kind === doubt?.kind && track.doubt?.detail === doubt?.detail)) return
    track.doubt = doubt
    track.cache.clear()
  }

  forgetDecisions(): void {
    for (const track of this.#tracks.values()) track.cache.clear()
  }
}
