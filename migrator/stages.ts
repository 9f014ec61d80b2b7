import type { Side } from '../core/side.ts'

/** The parts of a run, in their order. */
export const STAGES = ['enrol', 'inventory', 'backfill', 'verify'] as const
export type Stage = (typeof STAGES)[number]

export const RUN_KINDS = ['migrate', 'verify', 'reverse'] as const
export type RunKind = (typeof RUN_KINDS)[number]

export interface StageOrder {
  readonly stages: readonly Stage[]
  /** Which debts its backfill settles: those whose fresh side is this one. */
  readonly source: Side
}

/** What each kind of run does. Every stage looks at what is durable, so a run that is repeated goes on where it was. */
export const ORDERS = {
  migrate: { stages: ['enrol', 'inventory', 'backfill', 'verify'], source: 'legacy' },
  verify: { stages: ['verify'], source: 'legacy' },
  reverse: { stages: ['backfill'], source: 'new' },
} as const satisfies Record<RunKind, StageOrder>

/** What a stage is told by whoever runs it, and tells back. */
export interface Watch {
  readonly signal: AbortSignal
  /** `total` null while it is not known. */
  progress(done: number, total: number | null): void
  /** Names of replicas, or a sentence, that the stage waits for; empty: it goes on. */
  waiting(what: readonly string[]): void
}
