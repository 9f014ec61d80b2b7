import type { FaultKind } from './faults.ts'
import type { Finding, FindingKind } from './history.ts'
import type { Left } from './operator.ts'
import type { Difference } from './sides.ts'
import type { Counts } from './workload.ts'

export interface Report {
  readonly ops: number
  readonly acked: number
  readonly unknown: number
  readonly failed: number
  readonly lost: number
  readonly stale: number
  readonly resurrected: number
  readonly debts_made: number
  /** Secrets of which one side still owes the latest value although nothing disturbs any more. */
  readonly debts_left: number
  readonly quarantined: number
  readonly mismatched: number
  readonly sides_equal: boolean
  readonly flips: number
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly overlap: number
  readonly against_phase: number
  readonly refusals: Readonly<Record<string, number>>
  readonly seconds: number
  /** Whether the run was hard enough to count, and what it missed. */
  readonly hard: boolean
  readonly missed: readonly string[]
}

export interface Outcome {
  readonly counts: Counts
  readonly findings: readonly Finding[]
  readonly differences: readonly Difference[]
  readonly left: Left
  readonly debtsMade: number
  readonly flips: number
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly overlap: number
  readonly seconds: number
}

/** What a run of 20,000 operations must have met to count. A shorter one must have met its share, and each fault once. */
const HARD = { faults: 5, flips: 50, debts: 500, unknown: 20, againstPhase: 100 } as const
const FULL_OPS = 20_000
/** A shorter run meets every fault all the same, so more of its time is disturbed. */
const ACKED = { full: 0.9, shorter: 0.8 } as const
const OVERLAP = 0.3

/** The share of `HARD` that so many operations must meet; longer runs need no more than a full one. */
export const shareOf = (ops: number): number => Math.min(1, ops / FULL_OPS)

/** How often each fault must strike. */
export const timesOf = (ops: number): number => Math.max(1, Math.floor(HARD.faults * shareOf(ops)))

export function makeReport(outcome: Outcome, { hasRedis }: { readonly hasRedis: boolean }): Report {
  const { counts, findings, left } = outcome
  const of = (kind: FindingKind): number => findings.filter((finding) => finding.kind === kind).length
  const missed = missedBy(outcome, hasRedis)
  return {
    ops: counts.ops,
    acked: counts.acknowledged,
    unknown: counts.unknown,
    failed: counts.failed,
    lost: of('lost'),
    stale: of('stale'),
    resurrected: of('resurrected'),
    debts_made: outcome.debtsMade,
    debts_left: left.owed,
    quarantined: left.quarantined,
    mismatched: left.mismatched,
    sides_equal: outcome.differences.length === 0,
    flips: outcome.flips,
    faults: outcome.faults,
    overlap: Math.round(outcome.overlap * 1000) / 1000,
    against_phase: counts.againstPhase,
    refusals: Object.fromEntries(counts.refusals),
    seconds: Math.round(outcome.seconds * 10) / 10,
    hard: missed.length === 0,
    missed,
  }
}

function missedBy({ counts, faults, flips, debtsMade, overlap }: Outcome, hasRedis: boolean): readonly string[] {
  const share = shareOf(counts.ops)
  const wanted = (what: string, got: number, full: number) => ({ what, got, least: Math.max(1, full * share) })
  const goals = [
    { what: 'acked', got: counts.acknowledged, least: (share === 1 ? ACKED.full : ACKED.shorter) * counts.ops },
    { what: 'overlap', got: overlap, least: OVERLAP },
    wanted('flips', flips, HARD.flips),
    wanted('debts_made', debtsMade, HARD.debts),
    wanted('unknown', counts.unknown, HARD.unknown),
    wanted('against_phase', counts.againstPhase, HARD.againstPhase),
    ...Object.entries(faults)
      .filter(([kind]) => hasRedis || kind !== 'redis')
      .map(([kind, got]) => ({ what: `faults.${kind}`, got, least: timesOf(counts.ops) })),
  ]
  return goals.filter(({ got, least }) => !(got >= least)).map(({ what, got, least }) => `${what}: ${got} of ${least}`)
}

/** Whether an invariant is broken. */
export function isBroken(report: Report): boolean {
  const { lost, stale, resurrected, debts_left, quarantined, mismatched, sides_equal } = report
  return lost + stale + resurrected + debts_left + quarantined + mismatched !== 0 || !sides_equal
}

/** 3: an invariant is broken. 1: the run was not hard enough to count. */
export const exitOf = (report: Report): 0 | 1 | 3 => (isBroken(report) ? 3 : report.hard ? 0 : 1)
