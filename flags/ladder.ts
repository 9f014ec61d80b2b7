import type { Constraint, Feature, Strategy, Variant } from './definition.ts'
import { flagName } from './definition.ts'
import { phaseOf } from './engine.ts'
import { PHASES, type Phase, phaseRank } from './phase.ts'

/*
 * A ladder is the one form in which Crossfade writes an integration's flag. Top to bottom:
 *
 *   pins      whatever else was written by hand (segments, other constraints); left alone
 *   cohorts   for each cohort that has steps of its own: a rollout for each phase, most advanced first, ending at 100 %
 *   rest      the same for everybody else, ending at 100 %
 *
 * Steps of one scope that hold only from an instant on stand above the others, the latest instant first.
 *
 * Percentages are cumulative: a step of 30 % `shadow` says that the first 30 % of the customers are at `shadow` or
 * beyond. All steps share one group and are sticky on the customer, so widening a step moves customers between adjacent
 * steps only (measured; with weighted variants they would skip).
 */

export const STICKINESS = 'customerId'

/** One rung: this share of the customers in scope has reached the phase. */
export interface Step {
  readonly phase: Phase
  /** 0 to 100, cumulative from the top. */
  readonly percent: number
  /** Holds from this instant on, ISO 8601 in UTC; without it, always. */
  readonly from?: string
}

export interface Ladder {
  readonly integration: string
  readonly pins: readonly Strategy[]
  readonly cohorts: ReadonlyMap<string, readonly Step[]>
  readonly rest: readonly Step[]
}

const variantOf = (phase: Phase): Variant => ({
  name: phase,
  weight: 1000,
  weightType: 'variable',
  stickiness: STICKINESS,
  payload: { type: 'json', value: JSON.stringify({ phase }) },
})

const inCohort = (cohort: string): Constraint => ({
  contextName: 'cohort',
  operator: 'IN',
  values: [cohort],
  inverted: false,
  caseInsensitive: false,
})

const since = (from: string): Constraint => ({
  contextName: 'currentTime',
  operator: 'DATE_AFTER',
  values: [],
  value: from,
  inverted: false,
  caseInsensitive: false,
})

const titleOf = ({ percent, phase, from }: Step, cohort: string | null): string =>
  `${cohort ?? 'everybody'}: ${percent} % ${phase}${from === undefined ? '' : ` from ${from}`}`

const strategyOf = (integration: string, step: Step, cohort: string | null): Strategy => ({
  name: 'flexibleRollout',
  title: titleOf(step, cohort),
  parameters: { groupId: flagName(integration), rollout: String(step.percent), stickiness: STICKINESS },
  constraints: [...(cohort === null ? [] : [inCohort(cohort)]), ...(step.from === undefined ? [] : [since(step.from)])],
  segments: [],
  variants: [variantOf(step.phase)],
})

/** The flag that this ladder is, in Unleash's format. */
export const writeLadder = (ladder: Ladder): Feature => ({
  name: flagName(ladder.integration),
  enabled: true,
  strategies: [
    ...ladder.pins,
    ...[...ladder.cohorts].flatMap(([cohort, steps]) =>
      steps.map((step) => strategyOf(ladder.integration, step, cohort)),
    ),
    ...ladder.rest.map((step) => strategyOf(ladder.integration, step, null)),
  ],
  variants: [],
  dependencies: [],
})

/** A flag that puts every customer at one phase. */
export const makeLadder = (integration: string, phase: Phase = 'off'): Feature =>
  writeLadder({ integration, pins: [], cohorts: new Map(), rest: [{ phase, percent: 100 }] })

type Rung = { readonly kind: 'pin' } | { readonly kind: 'step'; readonly cohort: string | null; readonly step: Step }

function rungOf(strategy: Strategy, integration: string): Rung {
  const { rollout, groupId, stickiness } = strategy.parameters
  const [variant, ...others] = strategy.variants
  const phase = phaseOf(variant?.payload)
  const plain = strategy.name === 'flexibleRollout' && strategy.segments.length === 0 && others.length === 0
  if (!plain || phase === null || groupId !== flagName(integration) || stickiness !== STICKINESS) return { kind: 'pin' }
  const dates = strategy.constraints.filter(isSince)
  const cohort = cohortOf(strategy.constraints.filter((constraint) => !isSince(constraint)))
  if (cohort === undefined || dates.length > 1) return { kind: 'pin' }
  const step = { phase, percent: Number(rollout) }
  return { kind: 'step', cohort, step: dates[0] === undefined ? step : { ...step, from: String(dates[0].value) } }
}

const isSince = ({ contextName, operator, inverted, value }: Constraint): boolean =>
  contextName === 'currentTime' && operator === 'DATE_AFTER' && !inverted && value !== undefined

/** null: no constraint; undefined: other constraints than one single cohort. */
function cohortOf(constraints: readonly Constraint[]): string | null | undefined {
  const [only, ...others] = constraints
  if (only === undefined) return null
  const single = others.length === 0 && only.contextName === 'cohort' && only.operator === 'IN' && !only.inverted
  return single && only.values.length === 1 ? only.values[0] : undefined
}

/** One step of the integration's ladder, wherever it stands. */
export const isStep = (strategy: Strategy, integration: string): boolean =>
  rungOf(strategy, integration).kind === 'step'

/**
 * The flag without steps that decide nothing, below one that takes everybody: what a writer left behind that was stopped
 * before it put its steps into place, or before it removed the old ones.
 */
export const withoutLeftovers = (feature: Feature, integration: string): Feature => {
  const end = feature.strategies.findIndex(
    (strategy) =>
      isStep(strategy, integration) &&
      strategy.constraints.length === 0 &&
      Number(strategy.parameters['rollout']) >= 100,
  )
  const decides = (strategy: Strategy, index: number) => end < 0 || index <= end || !isStep(strategy, integration)
  return { ...feature, strategies: feature.strategies.filter(decides) }
}

export type LadderReading =
  | { readonly kind: 'ladder'; readonly ladder: Ladder }
  | { readonly kind: 'other'; readonly detail: string }

/** Reads a flag as a ladder; one that is not of this form is `other`, with the reason. */
export const readLadder = (feature: Feature, integration: string): LadderReading => {
  const rungs = feature.strategies.map((strategy) => ({ strategy, rung: rungOf(strategy, integration) }))
  const order = rungs.map(({ rung }) => (rung.kind === 'pin' ? 0 : rung.cohort === null ? 2 : 1))
  if (order.some((place, index) => index > 0 && place < (order[index - 1] as number))) {
    return { kind: 'other', detail: 'its strategies are not in the order pins, cohorts, everybody' }
  }
  const cohorts = new Map<string, Step[]>()
  const rest: Step[] = []
  for (const { rung } of rungs) {
    if (rung.kind === 'pin') continue
    const steps = rung.cohort === null ? rest : (cohorts.get(rung.cohort) ?? [])
    steps.push(rung.step)
    if (rung.cohort !== null) cohorts.set(rung.cohort, steps)
  }
  const pins = rungs.filter(({ rung }) => rung.kind === 'pin').map(({ strategy }) => strategy)
  const broken = [...cohorts.values(), rest].some((steps) => !isDescending(steps))
  if (broken) return { kind: 'other', detail: 'its steps are not ordered from the most advanced phase down' }
  return { kind: 'ladder', ladder: { integration, pins, cohorts, rest } }
}

const isDescending = (steps: readonly Step[]): boolean =>
  steps.every(({ phase, percent, from }, index) => {
    const above = steps[index - 1]
    if (above === undefined) return true
    if (above.from !== from) return above.from !== undefined && (from === undefined || from < above.from)
    return phaseRank(phase) < phaseRank(above.phase) && percent >= above.percent
  })

export interface PhaseEdit {
  readonly phase: Phase
  /** Only this cohort; it gets steps of its own. */
  readonly cohort?: string
  /** This share of the customers in scope reaches `phase` or stays beyond it; without it, all of them are at `phase`. */
  readonly percent?: number
}

/** The ladder after `flags set`: pins stay; an edit of everybody without a percentage takes the cohorts' own steps away. */
export const editLadder = (ladder: Ladder, { phase, cohort, percent }: PhaseEdit): Ladder => {
  const edit = (steps: readonly Step[]): readonly Step[] =>
    percent === undefined ? [{ phase, percent: 100 }] : reach(steps, phase, percent)
  if (cohort !== undefined) {
    const steps = ladder.cohorts.get(cohort) ?? ladder.rest
    return { ...ladder, cohorts: new Map([...ladder.cohorts, [cohort, closed(edit(steps))]]) }
  }
  const cohorts: Ladder['cohorts'] = percent === undefined ? new Map() : ladder.cohorts
  return { ...ladder, cohorts, rest: closed(edit(ladder.rest)) }
}

/** The share at or beyond each phase, with `percent` at `phase` or beyond: monotone, as a cumulative share must be. */
function reach(steps: readonly Step[], phase: Phase, percent: number): readonly Step[] {
  const before = reachedShares(steps)
  const shares = PHASES.map((name, rank) => {
    if (name === phase) return percent
    const share = before[rank] as number
    return rank > phaseRank(phase) ? Math.min(share, percent) : Math.max(share, percent)
  })
  return stepsOf(shares)
}

/** By rank: how many per cent of the customers are at this phase or beyond. */
function reachedShares(steps: readonly Step[]): number[] {
  return PHASES.map((_name, rank) =>
    Math.max(0, ...steps.filter((step) => phaseRank(step.phase) >= rank).map(({ percent }) => percent)),
  )
}

/** Most advanced first, from shares by rank; a phase that adds nobody to those above it has no step. */
export function stepsOf(shares: readonly number[]): Step[] {
  const all = PHASES.map((phase, rank) => ({ phase, percent: shares[rank] as number })).reverse()
  return all.filter(({ percent }, index) => percent > (all[index - 1]?.percent ?? 0))
}

/** Ends at 100 %, so that no match means a broken flag and never a phase. */
export function closed(steps: readonly Step[]): readonly Step[] {
  if ((steps.at(-1)?.percent ?? 0) >= 100) return steps
  return [...steps.filter(({ phase }) => phase !== 'off'), { phase: 'off', percent: 100 }]
}

/** Everybody has reached `off`; what is meant by a share of it is said by the share of the phase above. */
const NO_SHARE_OF_OFF = 'a percentage of off: give the share that has reached the phase above it'

/** A share says nothing about the steps that are yet to come; a phase for all replaces those, too. */
const SCHEDULED = 'it has steps that begin at an instant, which a percentage would leave: set a phase, or apply a file'

const isScheduled = ({ cohorts, rest }: Ladder, cohort: string | undefined): boolean =>
  ((cohort === undefined ? undefined : cohorts.get(cohort)) ?? rest).some(({ from }) => from !== undefined)

export type LadderEdit =
  | { readonly kind: 'edited'; readonly feature: Feature }
  | { readonly kind: 'refused'; readonly detail: string }

/** `flags set` on one flag; null for a flag that does not exist yet. A flag of another form is refused, not rewritten. */
export const setPhase = (feature: Feature | null, integration: string, edit: PhaseEdit): LadderEdit => {
  if (edit.phase === 'off' && edit.percent !== undefined) return { kind: 'refused', detail: NO_SHARE_OF_OFF }
  const reading = readLadder(feature ?? makeLadder(integration), integration)
  if (reading.kind === 'other') return { kind: 'refused', detail: reading.detail }
  if (edit.percent !== undefined && isScheduled(reading.ladder, edit.cohort))
    return { kind: 'refused', detail: SCHEDULED }
  const { variants = [], dependencies = [] } = feature ?? {}
  return { kind: 'edited', feature: { ...writeLadder(editLadder(reading.ladder, edit)), variants, dependencies } }
}
