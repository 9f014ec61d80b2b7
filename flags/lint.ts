import type { Constraint, Feature, Segment, Strategy } from './definition.ts'
import { randomness } from './determinism.ts'
import { CONTEXT_FIELDS, phaseOf } from './engine.ts'
import { STICKINESS } from './ladder.ts'
import { phaseRank } from './phase.ts'

/** What lint can find; each code has one rule. */
export const LINT_RULES = {
  'unknown-strategy': 'only flexibleRollout is a step of a ladder',
  'rollout-out-of-range': 'a rollout is a whole number from 0 to 100',
  'decreasing-percentage':
    'a step must not be smaller than the more advanced one above it: customers would skip a phase',
  'phase-order': 'steps go from the most advanced phase down',
  'several-groups': 'all steps of a flag share one groupId, or their shares do not nest',
  stickiness: 'every step is sticky on customerId',
  'variant-count': 'every step has exactly one variant',
  'variant-weight': 'the one variant of a step has the weight 1000',
  'unknown-phase': 'the payload names one of the phases',
  'unknown-field': 'the context has customerId, cohort and integration, nothing else',
  'unknown-segment': 'a segment that does not exist never matches',
  'unknown-cohort': 'the configuration names no such cohort',
  'no-final-step': 'the last step takes 100 % of everybody, so that no match means a broken flag',
  'feature-variants': 'variants of the whole flag are deprecated and skip phases; use one variant a strategy',
  random: 'the flag would answer differently for one customer from call to call',
} as const
export type LintCode = keyof typeof LINT_RULES

export interface LintFinding {
  readonly code: LintCode
  /** `warning`: it works, but moves customers in a way that is seldom meant. */
  readonly severity: 'error' | 'warning'
  /** The strategy, from 0; null for the flag as a whole. */
  readonly strategy: number | null
  readonly detail: string
}

export interface LintSurroundings {
  readonly segments: ReadonlyMap<number, Segment>
  /** null: not known, so not checked. */
  readonly cohorts: readonly string[] | null
}

const WARNINGS: readonly LintCode[] = ['phase-order', 'decreasing-percentage', 'feature-variants']

const finding = (code: LintCode, strategy: number | null, detail: string): LintFinding => ({
  code,
  severity: WARNINGS.includes(code) ? 'warning' : 'error',
  strategy,
  detail,
})

/** Everything about a flag that would surprise the one who wrote it; empty for every ladder that Crossfade writes. */
export const lintFlag = (feature: Feature, surroundings: LintSurroundings): readonly LintFinding[] => {
  const random = randomness(feature)
  return [
    ...feature.strategies.flatMap((strategy, index) => lintStrategy(strategy, index, surroundings)),
    ...lintOrder(feature.strategies),
    ...lintGroups(feature.strategies),
    ...lintEnd(feature.strategies),
    ...(feature.variants.length > 0 ? [finding('feature-variants', null, `${feature.variants.length} variants`)] : []),
    ...(random === null ? [] : [finding('random', null, random)]),
  ]
}

function lintStrategy(strategy: Strategy, index: number, surroundings: LintSurroundings): LintFinding[] {
  const found: LintFinding[] = []
  const add = (code: LintCode, detail: string) => found.push(finding(code, index, detail))
  const { rollout, stickiness } = strategy.parameters
  if (strategy.name !== 'flexibleRollout') add('unknown-strategy', strategy.name)
  else if (!isPercentage(rollout)) add('rollout-out-of-range', `rollout is ${JSON.stringify(rollout)}`)
  if (strategy.name === 'flexibleRollout' && stickiness !== STICKINESS) add('stickiness', `stickiness is ${stickiness}`)
  return [...found, ...lintVariants(strategy, index), ...lintConstraints(strategy, index, surroundings)]
}

const isPercentage = (rollout: unknown): boolean => {
  const percent = typeof rollout === 'string' && rollout.trim() !== '' ? Number(rollout) : Number.NaN
  return Number.isInteger(percent) && percent >= 0 && percent <= 100
}

function lintVariants({ variants }: Strategy, index: number): LintFinding[] {
  if (variants.length !== 1) return [finding('variant-count', index, `it has ${variants.length}`)]
  const found: LintFinding[] = []
  for (const { weight, stickiness, payload } of variants) {
    if (weight !== 1000) found.push(finding('variant-weight', index, `its weight is ${weight}`))
    if (stickiness !== undefined && stickiness !== STICKINESS) {
      found.push(finding('stickiness', index, `the variant's stickiness is ${stickiness}`))
    }
    if (phaseOf(payload) === null)
      found.push(finding('unknown-phase', index, `the payload is ${payload?.value ?? 'missing'}`))
  }
  return found
}

const isDate = ({ operator }: Constraint): boolean => operator === 'DATE_AFTER' || operator === 'DATE_BEFORE'

function lintConstraints(strategy: Strategy, index: number, { segments, cohorts }: LintSurroundings): LintFinding[] {
  const found: LintFinding[] = []
  for (const id of strategy.segments.filter((segment) => !segments.has(segment))) {
    found.push(finding('unknown-segment', index, `segment ${id}`))
  }
  const constraints = [
    ...strategy.constraints,
    ...strategy.segments.flatMap((id) => segments.get(id)?.constraints ?? []),
  ]
  for (const constraint of constraints.filter((candidate) => !isDate(candidate))) {
    const { contextName, operator, values } = constraint
    if (!CONTEXT_FIELDS.some((field) => field === contextName)) {
      found.push(finding('unknown-field', index, contextName))
    } else if (contextName === 'cohort' && cohorts !== null && (operator === 'IN' || operator === 'NOT_IN')) {
      const unknown = values.filter((value) => !cohorts.includes(value))
      if (unknown.length > 0) found.push(finding('unknown-cohort', index, unknown.join(', ')))
    }
  }
  return found
}

const isUnconditional = ({ constraints, segments }: Strategy): boolean => constraints.length + segments.length === 0

/** Steps of the same scope are those with equal constraints; pins of single customers are scopes of their own. */
const scopeOf = ({ constraints, segments }: Strategy): string => JSON.stringify([constraints, segments])

function lintOrder(strategies: readonly Strategy[]): LintFinding[] {
  const found: LintFinding[] = []
  const above = new Map<string, { percent: number; rank: number }>()
  for (const [index, strategy] of strategies.entries()) {
    const phase = phaseOf(strategy.variants[0]?.payload)
    const percent = Number(strategy.parameters['rollout'])
    if (strategy.name !== 'flexibleRollout' || phase === null || Number.isNaN(percent)) continue
    const previous = above.get(scopeOf(strategy))
    const rank = phaseRank(phase)
    if (previous && percent < previous.percent) {
      found.push(finding('decreasing-percentage', index, `${percent} % under ${previous.percent} %`))
    }
    if (previous && rank >= previous.rank)
      found.push(finding('phase-order', index, `${phase} is not below the step above`))
    above.set(scopeOf(strategy), { percent, rank })
  }
  return found
}

function lintGroups(strategies: readonly Strategy[]): LintFinding[] {
  const groups = new Set(
    strategies.flatMap(({ parameters }) => ('groupId' in parameters ? [String(parameters['groupId'])] : [])),
  )
  return groups.size > 1 ? [finding('several-groups', null, [...groups].join(', '))] : []
}

function lintEnd(strategies: readonly Strategy[]): LintFinding[] {
  const last = strategies.at(-1)
  const ends = last?.name === 'flexibleRollout' && isUnconditional(last) && Number(last.parameters['rollout']) >= 100
  return ends ? [] : [finding('no-final-step', null, last === undefined ? 'the flag has no strategy' : 'the last step')]
}
