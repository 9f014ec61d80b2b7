import type { Side } from '../core/side.ts'

/** The names that LaunchDarkly's migration flags made known, in the order of a migration. */
export const PHASES = ['off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete'] as const
export type Phase = (typeof PHASES)[number]

/** What a phase does. Debts left on purpose are those of the side that `writes` leaves out. */
export interface Plan {
  /** The side that answers reads, unless the ledger says that it owes. */
  readonly read: Side
  /** The side read after the reply, to compare. */
  readonly shadowRead: Side | null
  /** The side written first; its answer decides the write. */
  readonly first: Side
  /** The side written second; it owes if that fails. `null`: it owes on purpose. */
  readonly second: Side | null
}

/** The whole product on one screen: `off` mirrors `complete`, `dualwrite` mirrors `rampdown`, `shadow` mirrors `live`. */
export const PLANS = {
  off: { read: 'legacy', shadowRead: null, first: 'legacy', second: null },
  dualwrite: { read: 'legacy', shadowRead: null, first: 'legacy', second: 'new' },
  shadow: { read: 'legacy', shadowRead: 'new', first: 'legacy', second: 'new' },
  live: { read: 'new', shadowRead: 'legacy', first: 'new', second: 'legacy' },
  rampdown: { read: 'new', shadowRead: null, first: 'new', second: 'legacy' },
  complete: { read: 'new', shadowRead: null, first: 'new', second: null },
} as const satisfies Record<Phase, Plan>

export const isPhase = (text: unknown): text is Phase => PHASES.some((phase) => phase === text)

export const phaseRank = (phase: Phase): number => PHASES.indexOf(phase)

/** The earlier of two phases: what a cap leaves of a request. */
export const lowerPhase = (a: Phase, b: Phase): Phase => (phaseRank(a) <= phaseRank(b) ? a : b)
