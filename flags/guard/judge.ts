import { z } from 'zod'
import { quantileBounds } from './bins.ts'
import type { Budgets } from './config.ts'
import type { Tallies, Tally } from './window.ts'

/** A difference that stayed, by its number in `mismatches` where it has one. */
export interface SeenMismatch {
  readonly id: string | null
  readonly class: string
}

/** What the guard knows of one cohort of one integration. */
export interface Figures extends Tallies {
  /** Secrets that differ for good, found while new was read. */
  readonly mismatches: readonly SeenMismatch[]
  /** ms: legacy's p99 of reads is not higher, as it was last known; null: never known. */
  readonly baseline: number | null
}

export const BUDGETS = ['mismatches', 'errors', 'latency'] as const
export type Budget = (typeof BUDGETS)[number]

const count = z.int().min(0)

/** Why the guard trips, in figures. Plain JSON, and never a value. */
export const evidenceSchema = z.strictObject({
  budget: z.enum(BUDGETS),
  side: z.literal('new').describe('The side that does badly.'),
  window_seconds: z.number(),
  calls: count,
  errors: count,
  legacy_calls: count,
  legacy_errors: count,
  p99_ms: z.number().nullable().describe("New's p99 of reads is not lower."),
  legacy_p99_ms: z.number().nullable().describe("Legacy's p99 of reads is not higher."),
  mismatches: z.array(z.strictObject({ id: z.string().nullable(), class: z.string() })),
})
export type Evidence = z.output<typeof evidenceSchema>

/**
 * A p99 of this many ms harms nobody: below it a store that is several times slower is noise of the machine. The ratio is
 * taken of legacy's p99 or of this, whichever is greater.
 */
const FLOOR_MS = 10

/** How many mismatches an evidence names. */
const NAMED = 10

/** How much of each budget is used: above 1 it is broken. 0 where there are too few samples to say. */
export function usage(figures: Figures, budgets: Budgets): Readonly<Record<Budget, number>> {
  return {
    mismatches: ratioOf(figures.mismatches.length, budgets.stable_mismatches),
    errors: ratioOf(excess(figures, budgets), budgets.error_ratio),
    latency: slowness(figures, budgets) / budgets.p99_ratio,
  }
}

/** With a budget of nothing the first use breaks it. */
const ratioOf = (used: number, budget: number): number => {
  if (budget === 0) return used > 0 ? 2 : 0
  return used / budget
}

const errorRatio = ({ calls, errors }: Tally): number => (calls === 0 ? 0 : errors / calls)

/**
 * What new fails beyond twice of what legacy fails: where both fail alike, going back would help nobody. Twice, because the
 * two are not asked the same: a write that new refused is not sent to legacy.
 */
function excess(figures: Figures, { min_samples }: Budgets): number {
  if (figures.new.calls < min_samples) return 0
  return Math.max(0, errorRatio(figures.new) - 2 * errorRatio(figures.legacy))
}

/** How many times slower new is, at the least that the samples allow. */
function slowness(figures: Figures, { min_samples }: Budgets): number {
  const bounds = quantileBounds(figures.new.reads, 0.99)
  if (figures.baseline === null || bounds === null || bounds.samples < min_samples) return 0
  return bounds.low / Math.max(figures.baseline, FLOOR_MS)
}

/** Legacy's p99 of reads at most, in ms; null where there are too few samples to say. */
export function baselineOf({ legacy }: Tallies, { min_samples }: Budgets): number | null {
  const bounds = quantileBounds(legacy.reads, 0.99)
  return bounds === null || bounds.samples < min_samples ? null : bounds.high
}

/** The first budget that is broken, or null. */
export function judge(figures: Figures, budgets: Budgets): Evidence | null {
  const used = usage(figures, budgets)
  const budget = BUDGETS.find((name) => used[name] > 1)
  return budget === undefined ? null : evidenceOf(budget, figures, budgets)
}

function evidenceOf(budget: Budget, figures: Figures, { window }: Budgets): Evidence {
  return {
    budget,
    side: 'new',
    window_seconds: window / 1000,
    calls: figures.new.calls,
    errors: figures.new.errors,
    legacy_calls: figures.legacy.calls,
    legacy_errors: figures.legacy.errors,
    p99_ms: rounded(quantileBounds(figures.new.reads, 0.99)?.low ?? null),
    legacy_p99_ms: rounded(figures.baseline),
    mismatches: [...figures.mismatches.slice(0, NAMED)],
  }
}

const rounded = (ms: number | null): number | null => (ms === null ? null : Number(ms.toPrecision(3)))

/** One sentence for people. */
export function sentence(evidence: Evidence, budgets: Budgets): string {
  const { calls, errors, legacy_calls, legacy_errors, p99_ms, legacy_p99_ms } = evidence
  const within = `within ${budgets.window / 1000} s`
  switch (evidence.budget) {
    case 'mismatches': {
      const named = evidence.mismatches.map((m) => `${m.class}${m.id === null ? '' : ` #${m.id}`}`).join(', ')
      return `stable mismatches while new is read, ${within}: ${named}; allowed: ${budgets.stable_mismatches}`
    }
    case 'errors':
      return `new failed ${errors} of ${calls} calls ${within}, legacy ${legacy_errors} of ${legacy_calls}; allowed: ${percent(budgets.error_ratio)}`
    case 'latency':
      return `p99 of reads of new is ${p99_ms} ms or more ${within}, of legacy ${legacy_p99_ms} ms or less; allowed: ${budgets.p99_ratio} times`
  }
}

const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(3))} %`
