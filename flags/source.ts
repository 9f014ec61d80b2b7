import type { EventEmitter } from 'node:events'
import type { FlagSnapshot } from './snapshot.ts'

/** How far the source can be trusted right now. */
export interface SourceState {
  /** When it last proved that its snapshot is current, ms since the epoch; null if it never did. */
  readonly lastSuccess: number | null
  /** Its flags may be out of date: the last known phases stand, and say so. */
  readonly stale: boolean
  /** What is wrong, for people; null while all is well. */
  readonly error: string | null
}

/** Why an answer was not taken: for metrics. */
export type SourceProblem = 'unreadable' | 'malformed' | 'wrong-environment' | 'unauthorised'

export interface FlagSourceEvents {
  /** A snapshot other than the one before was accepted. */
  flags: [snapshot: FlagSnapshot]
  /** `stale` or `error` changed. */
  state: [state: SourceState]
  /** An answer was refused; the flags before it stay. */
  problem: [problem: SourceProblem, detail: string]
}

/**
 * Where flags come from. A source keeps the last snapshot that it could accept, whatever happens to its origin, and
 * never throws after it was made: trouble is state and events.
 */
export interface FlagSource {
  readonly kind: 'file' | 'unleash'
  /** Where it reads, for people. */
  readonly origin: string
  readonly events: EventEmitter<FlagSourceEvents>
  /** The last accepted snapshot; null before the first. */
  snapshot(): FlagSnapshot | null
  state(): SourceState
  /** Ends watching and polling; resolves when nothing of it runs any more. */
  stop(): Promise<void>
}
