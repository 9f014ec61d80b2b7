import type { Feature } from '../definition.ts'
import { FLAG_PREFIX } from '../definition.ts'
import { readLadder, type Step, withoutLeftovers } from '../ladder.ts'

/** One scope of a ladder before and after, in words; null: it has no steps of its own. */
export interface ScopeChange {
  /** null: everybody else. */
  readonly cohort: string | null
  readonly from: string | null
  readonly to: string | null
}

/** What changes from one ladder to another, scope by scope; a flag of another form is one line. */
export const describeChange = (before: Feature | null, after: Feature): readonly ScopeChange[] => {
  const [old, fresh] = [scopesOf(before), scopesOf(after)]
  if (old === 'other') return [...fromScopes(fresh)].map(([cohort, to]) => ({ cohort, from: 'of another form', to }))
  const cohorts = new Set([...old.keys(), ...fromScopes(fresh).keys()])
  return [...cohorts]
    .map((cohort) => ({ cohort, from: old.get(cohort) ?? null, to: fromScopes(fresh).get(cohort) ?? null }))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => Number(a.cohort === null) - Number(b.cohort === null))
}

type Scopes = ReadonlyMap<string | null, string>

const fromScopes = (scopes: Scopes | 'other'): Scopes => (scopes === 'other' ? new Map() : scopes)

function scopesOf(feature: Feature | null): Scopes | 'other' {
  if (feature === null) return new Map()
  const integration = feature.name.slice(FLAG_PREFIX.length)
  const reading = readLadder(withoutLeftovers(feature, integration), integration)
  if (reading.kind === 'other') return 'other'
  const { cohorts, rest } = reading.ladder
  const named = [...cohorts].map(([cohort, steps]): [string | null, string] => [cohort, describeSteps(steps)])
  return new Map<string | null, string>([
    ...named,
    ...(rest.length === 0 ? [] : [[null, describeSteps(rest)] as const]),
  ])
}

/** `live 10 %, shadow 60 %, off`; the last of a scope takes the rest. */
export const describeSteps = (steps: readonly Step[]): string => {
  const starts = [...new Set(steps.map(({ from }) => from))]
  const stages = starts.map((start) => {
    const words = steps.filter(({ from }) => from === start).map(describeStep)
    return start === undefined ? words.join(', ') : `from ${start} ${words.join(', ')}`
  })
  return stages.reverse().join('; ')
}

const describeStep = ({ phase, percent }: Step): string => (percent >= 100 ? phase : `${phase} ${percent} %`)
