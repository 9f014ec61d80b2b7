import type { Side } from '../core/side.ts'
import type { Throttle } from './pace/pace.ts'

/** The parts of a run, in their order: first those that copy, then those that lead out of the ledger. */
export const COPY_STAGES = ['enrol', 'inventory', 'backfill', 'verify'] as const
export const LEAVE_STAGES = ['prove', 'drain', 'switch', 'drop'] as const
export const STAGES = [...COPY_STAGES, ...LEAVE_STAGES] as const
export type CopyStage = (typeof COPY_STAGES)[number]
export type LeaveStage = (typeof LEAVE_STAGES)[number]
export type Stage = (typeof STAGES)[number]

export const COPY_KINDS = ['migrate', 'verify', 'reverse'] as const
export const LEAVE_KINDS = ['finalize', 'abandon'] as const
export const RUN_KINDS = [...COPY_KINDS, ...LEAVE_KINDS] as const
export type CopyKind = (typeof COPY_KINDS)[number]
export type LeaveKind = (typeof LEAVE_KINDS)[number]
export type RunKind = (typeof RUN_KINDS)[number]

export interface StageOrder {
  readonly stages: readonly Stage[]
  /** Which debts it settles: those whose fresh side is this one. */
  readonly source: Side
}

/** What each kind of run does. Every stage looks at what is durable, so a run that is repeated goes on where it was. */
export const ORDERS = {
  migrate: { stages: ['enrol', 'inventory', 'backfill', 'verify'], source: 'legacy' },
  verify: { stages: ['verify'], source: 'legacy' },
  reverse: { stages: ['backfill', 'verify'], source: 'new' },
  finalize: { stages: ['prove', 'drain', 'switch', 'drop'], source: 'legacy' },
  abandon: { stages: ['prove', 'drain', 'switch', 'drop'], source: 'new' },
} as const satisfies Record<RunKind, StageOrder>

/** The slice is over; `at` is the next one's `from`. It counts only once it was kept with what the slice did. */
export interface More {
  readonly kind: 'more'
  readonly at: unknown
}

/** What a stage is told by whoever runs it, and tells back. */
export interface Watch {
  /** The run was cancelled, or is somebody else's by now: stop, wherever that is. */
  readonly signal: AbortSignal
  /** The time of this slice is up: stop where another slice can go on, and answer `more`. */
  readonly over: AbortSignal
  /** Where the slice before stopped, in the stage's own form; null: the stage begins. */
  readonly from: unknown
  /** Secrets of the stage that helpers on other machines have settled so far. */
  readonly helped: () => number
  /** `total` null while it is not known. */
  progress(done: number, total: number | null): void
  /** Names of replicas, or a sentence, that the stage waits for; empty: it goes on. */
  waiting(what: readonly string[]): void
  /** What the pace holds it back by; null: nothing. */
  throttled(by: Throttle | null): void
}
