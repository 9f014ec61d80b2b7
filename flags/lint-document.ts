import { z } from 'zod'
import {
  type Constraint,
  type Feature,
  FLAG_PREFIX,
  featureSchema,
  flagName,
  type Strategy,
  segmentSchema,
} from './definition.ts'
import { LINT_RULES, type LintFinding, lintFlag } from './lint.ts'

/*
 * Lint of everything that a source says, in the client-features format: each flag by itself (flags/lint.ts), and what
 * stands around it: limits of Unleash, what leaks, what depends on something else, what is missing or of nobody.
 */

/** What is found around the steps of a flag; each code has one rule. */
export const AROUND_RULES = {
  'flag-malformed': 'a flag that is not of the format is not followed',
  'wrong-environment': 'an answer for another environment is refused, because all its flags may be off there',
  'no-environment': 'a document that names its environment cannot be taken for that of another one',
  'missing-flag': 'an integration without a flag keeps its last known phase, or is off',
  'unknown-flag': 'a flag of Crossfade that names no integration of the configuration does nothing',
  'impression-data': 'impression data carries every customer id into events',
  'parent-flag': 'a parent turns the whole ladder off, which looks like no match; a cap says what it does',
  'too-many-strategies': 'Unleash takes at most 30 strategies in one environment of a flag',
  'too-many-values': 'Unleash takes at most 250 values in a constraint; a segment takes 1000',
  'too-many-segments': 'Unleash takes at most 5 segments in a strategy',
  'strategy-disabled': 'a strategy that is switched off waits to surprise whoever switches it on',
  'sticky-field': 'shares are sticky on customerId only where Unleash knows it as a sticky context field',
} as const
export type AroundCode = keyof typeof AROUND_RULES

const LIMITS = { strategies: 30, values: 250, segments: 5 } as const

const ERRORS: readonly AroundCode[] = ['flag-malformed', 'wrong-environment', 'sticky-field']

export interface DocumentFinding extends Omit<LintFinding, 'code'> {
  readonly flag: string
  readonly code: LintFinding['code'] | AroundCode
}

export interface DocumentSurroundings {
  /** null: not known, so not checked. */
  readonly cohorts: readonly string[] | null
  readonly integrations: readonly string[] | null
  readonly environment: string | null
}

const documentSchema = z.object({
  features: z.array(z.looseObject({ name: z.string(), impressionData: z.boolean().nullish() })),
  segments: z.array(segmentSchema).nullish(),
  query: z.looseObject({ environment: z.string().optional() }).nullish(),
})
type LintedDocument = z.output<typeof documentSchema>

/** null: it is not of the client-features format at all. */
export const lintDocument = (document: unknown, around: DocumentSurroundings): readonly DocumentFinding[] | null => {
  const parsed = documentSchema.safeParse(document)
  if (!parsed.success) return null
  const own = parsed.data.features.filter(({ name }) => name.startsWith(FLAG_PREFIX))
  return [
    ...environmentFindings(parsed.data, around),
    ...own.flatMap((raw) => flagFindings(raw, parsed.data, around)),
    ...nameFindings(
      own.map(({ name }) => name),
      around,
    ),
  ]
}

/** One finding around the steps, with its severity. */
export const aroundFinding = (
  code: AroundCode,
  flag: string,
  detail: string,
  strategy: number | null = null,
): DocumentFinding => ({ flag, code, severity: ERRORS.includes(code) ? 'error' : 'warning', strategy, detail })

function environmentFindings({ query }: LintedDocument, { environment }: DocumentSurroundings): DocumentFinding[] {
  if (environment === null) return []
  const named = query?.environment
  if (named === undefined) return [aroundFinding('no-environment', '-', `expected query.environment ${environment}`)]
  return named === environment ? [] : [aroundFinding('wrong-environment', '-', `${named}, expected ${environment}`)]
}

function flagFindings(
  raw: LintedDocument['features'][number],
  { segments }: LintedDocument,
  { cohorts }: DocumentSurroundings,
): DocumentFinding[] {
  const parsed = featureSchema.safeParse(raw)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return [aroundFinding('flag-malformed', raw.name, `${issue?.path.join('.')}: ${issue?.message}`)]
  }
  const surroundings = { segments: new Map((segments ?? []).map((segment) => [segment.id, segment])), cohorts }
  return [
    ...lintFlag(parsed.data, surroundings).map((finding) => ({ flag: raw.name, ...finding })),
    ...(raw.impressionData === true ? [aroundFinding('impression-data', raw.name, 'impressionData is true')] : []),
    ...limitFindings(parsed.data),
  ]
}

function limitFindings({ name, strategies, dependencies }: Feature): DocumentFinding[] {
  const parents = [...new Set(dependencies.map(({ feature }) => feature))]
  const many = strategies.length > LIMITS.strategies
  return [
    ...parents.map((parent) => aroundFinding('parent-flag', name, parent)),
    ...(many ? [aroundFinding('too-many-strategies', name, `${strategies.length}`)] : []),
    ...strategies.flatMap((strategy, index) => strategyLimits(name, strategy, index)),
  ]
}

const strategyLimits = (name: string, { constraints, segments }: Strategy, index: number): DocumentFinding[] => [
  ...constraints
    .filter(({ values }: Constraint) => values.length > LIMITS.values)
    .map(({ contextName, values }) =>
      aroundFinding('too-many-values', name, `${values.length} of ${contextName}`, index),
    ),
  ...(segments.length > LIMITS.segments ? [aroundFinding('too-many-segments', name, `${segments.length}`, index)] : []),
]

function nameFindings(names: readonly string[], { integrations }: DocumentSurroundings): DocumentFinding[] {
  if (integrations === null) return []
  const wanted = integrations.map(flagName)
  return [
    ...wanted.filter((name) => !names.includes(name)).map((name) => aroundFinding('missing-flag', name, 'not there')),
    ...names
      .filter((name) => !wanted.includes(name))
      .map((name) => aroundFinding('unknown-flag', name, 'no integration has this name')),
  ]
}

/** What a code means, for people. */
export const ruleOf = (code: DocumentFinding['code']): string =>
  code in LINT_RULES ? LINT_RULES[code as keyof typeof LINT_RULES] : AROUND_RULES[code as AroundCode]
