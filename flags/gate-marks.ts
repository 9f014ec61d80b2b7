import { z } from 'zod'
import type { Cap } from './caps.ts'
import type { Pin } from './decision.ts'
import { asksAnything, GATE_CONDITIONS, type GateFigures, judgeGate, SOAKS_IN, type Wait } from './gates.ts'
import type { GatesConfig } from './gates-config.ts'
import { lowerPhase, PHASES, type Phase, phaseRank } from './phase.ts'

/*
 * What is remembered of a cohort so that gates hold forward moves and nothing else. `mark` is the highest phase whose gate was
 * passed: it rises when the flag asks for more and the gates between are open, stays when a gate closes later or a cap
 * lowers what runs, and falls when the flag itself asks for less. So a restart neither falls below what ran nor jumps a gate.
 * `entered` says since when the cohort has run each step, or one beyond it; that is what soak is measured by. Pure.
 */

const phase = z.enum(PHASES)

const holdSchema = z.object({
  /** The first gate on the way that is not open. */
  gate: phase,
  /** What the flag asks for. */
  wants: phase,
  waits: z.array(z.object({ condition: z.enum(GATE_CONDITIONS), text: z.string(), next: z.string() })),
  /** ms since the epoch. */
  since: z.number(),
})

const forceSchema = z.object({ phase, by: z.string(), reason: z.string(), at: z.number() })

const markSchema = z.object({
  mark: phase,
  /** The highest phase that runs, as last written down. */
  runs: phase,
  /** What the flag asks for, in words, as last written down. */
  asks: z.string(),
  entered: z.partialRecord(phase, z.number()),
  hold: holdSchema.nullable(),
  /** An operator's word: gates up to this phase count as open, until the flag asks for less than it. */
  forced: forceSchema.nullable(),
})

/** Of one integration, by cohort; plain JSON in the ledger. */
export const gateRecordSchema = z.object({
  /** The definition of the flag that it follows; null: there never was one. */
  flag: z.string().nullable(),
  cohorts: z.record(z.string(), markSchema),
})

export type GateHold = z.infer<typeof holdSchema>
export type GateForce = z.infer<typeof forceSchema>
export type GateMark = z.infer<typeof markSchema>
export type GateRecord = z.infer<typeof gateRecordSchema>

export const NO_MARK: GateMark = { mark: 'off', runs: 'off', asks: '', entered: {}, hold: null, forced: null }

/** Where a cohort starts that the record does not name: one that was added later, at the lowest mark of the others. */
export const markOf = (record: GateRecord | undefined, cohort: string): GateMark => {
  const known = record?.cohorts[cohort]
  if (known !== undefined) return known
  const marks = Object.values(record?.cohorts ?? {}).map(({ mark }) => mark)
  return marks.length === 0 ? NO_MARK : { ...NO_MARK, mark: marks.reduce(lowerPhase) }
}

/** What is true of a cohort now. */
export interface GateInput {
  readonly requested: Phase
  /** The same in words, for who reads what changed. */
  readonly asks: string
  /** The lowest cap of an operator or the guard. */
  readonly cap: Cap | null
  readonly pin: Pin | null
  readonly gates: GatesConfig
  /** null: gates are not asked now, so nobody passes one. */
  readonly facts: { readonly figures: GateFigures | null } | null
  /** ms since the epoch. */
  readonly now: number
}

/** ms for which the cohort has run a step, or one beyond it, without a break; null: it does not. */
export const soakedIn = ({ entered }: GateMark, step: Phase, now: number): number | null => {
  // Everybody has always run `off`.
  if (step === 'off') return Number.POSITIVE_INFINITY
  const since = entered[step]
  return since === undefined ? null : Math.max(0, now - since)
}

/** What runs: the pin, else the request under cap and mark. */
const runsNow = (mark: Phase, { requested, cap, pin }: GateInput): Phase =>
  pin?.phase ?? lowerPhase(lowerPhase(requested, mark), cap?.phase ?? 'complete')

/** The mark after what is known now. `subject` is for the words of what is lacking. */
export function follow(
  was: GateMark,
  input: GateInput,
  subject: { readonly integration: string; readonly cohort: string },
): GateMark {
  const fell = lowerPhase(was.mark, input.requested)
  const forced = was.forced !== null && usedUp(was, fell) ? null : was.forced
  const climbed = climb({ ...was, mark: fell, forced }, input, subject)
  const runs = runsNow(climbed.mark, input)
  return { ...climbed, forced, runs, asks: input.asks, entered: enteredAt(was, runs, input.now) }
}

/** A word that led a cohort somewhere counts no more once the flag has led it back. */
const usedUp = ({ mark, forced }: GateMark, fell: Phase): boolean =>
  forced !== null && phaseRank(mark) >= phaseRank(forced.phase) && phaseRank(fell) < phaseRank(forced.phase)

function climb(
  from: GateMark,
  input: GateInput,
  subject: { readonly integration: string; readonly cohort: string },
): Pick<GateMark, 'mark' | 'hold'> {
  const { requested, cap, pin, now } = input
  // Beyond a cap nobody goes, and an integration that is not enrolled goes nowhere.
  const goal = pin === null ? lowerPhase(requested, cap?.phase ?? 'complete') : from.mark
  let { mark } = from
  for (const phase of PHASES) {
    if (phaseRank(phase) <= phaseRank(mark) || phaseRank(phase) > phaseRank(goal)) continue
    const waits = lacking(phase, { ...from, mark }, input, subject)
    if (waits === 'not asked') return { mark, hold: from.hold?.gate === phase ? from.hold : null }
    if (waits.length > 0) {
      const since = from.hold?.gate === phase ? from.hold.since : now
      return { mark, hold: { gate: phase, wants: requested, waits: [...waits], since } }
    }
    mark = phase
  }
  return { mark, hold: null }
}

function lacking(
  phase: Phase,
  mark: GateMark,
  { gates, facts, now }: GateInput,
  subject: { readonly integration: string; readonly cohort: string },
): readonly Wait[] | 'not asked' {
  const conditions = gates[phase]
  if (!asksAnything(conditions) || phaseRank(mark.forced?.phase ?? 'off') >= phaseRank(phase)) return []
  if (facts === null) return 'not asked'
  return judgeGate(conditions, { ...facts, soaked: soakedIn(mark, SOAKS_IN[phase], now) }, { ...subject, phase })
}

function enteredAt({ entered }: GateMark, runs: Phase, now: number): GateMark['entered'] {
  const steps = PHASES.filter((step) => step !== 'off' && phaseRank(step) <= phaseRank(runs))
  return Object.fromEntries(steps.map((step) => [step, entered[step] ?? now]))
}

/** Cohorts that fell out of shadow: their comparisons count from 0 again. */
export const leftShadow = (before: GateRecord | undefined, after: GateRecord): readonly string[] =>
  Object.entries(after.cohorts).flatMap(([cohort, { entered }]) =>
    before?.cohorts[cohort]?.entered.shadow !== undefined && entered.shadow === undefined ? [cohort] : [],
  )

/** The record with an operator's word about the chosen ones of all cohorts. */
export const forcing = (
  record: GateRecord,
  all: readonly string[],
  chosen: readonly string[],
  forced: GateForce,
): GateRecord => ({
  ...record,
  cohorts: Object.fromEntries(
    all.map((cohort) => {
      const mark = markOf(record, cohort)
      return [cohort, chosen.includes(cohort) ? { ...mark, forced } : mark]
    }),
  ),
})
