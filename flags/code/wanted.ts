import { closed, type Ladder, type Step, stepsOf } from '../ladder.ts'
import { makeSelector, type Selectable } from '../selector.ts'
import { type FlagsDocument, type FlagsRule, sharesByRank, type WrittenShares, type WrittenSteps } from './document.ts'

/** What the file wants of one integration. */
export interface Wanted {
  readonly integration: string
  readonly ladder: Ladder
}

/** Something that the file says of nothing: a typing error, most likely. */
export interface Misfit {
  /** The rule, from 0. */
  readonly rule: number
  readonly key: readonly string[]
  readonly message: string
}

export interface Reading {
  readonly wanted: readonly Wanted[]
  /** Integrations that no rule selects: nobody's flags are touched that the file does not name. */
  readonly left: readonly string[]
  readonly misfits: readonly Misfit[]
}

export interface Surroundings {
  readonly integrations: readonly Selectable[]
  /** In the order of the configuration, which is that of the ladder. */
  readonly cohorts: readonly string[]
}

/** Each integration's ladder, by the first rule that selects it. */
export const readDocument = (document: FlagsDocument, surroundings: Surroundings): Reading => {
  const { integrations, cohorts } = surroundings
  const rules = document.ladders.map((rule) => ({ rule, selects: selectorOf(rule) }))
  const chosen = integrations.map((candidate) => ({
    integration: candidate.name,
    rule: rules.find(({ selects }) => selects(candidate))?.rule,
  }))
  return {
    wanted: chosen.flatMap(({ integration, rule }) =>
      rule === undefined ? [] : [{ integration, ladder: ladderOf(integration, rule, cohorts) }],
    ),
    left: chosen.flatMap(({ integration, rule }) => (rule === undefined ? [integration] : [])),
    misfits: [
      ...rules.flatMap(({ rule, selects }, index) => [
        ...unknownCohorts(rule, index, cohorts),
        ...(integrations.some(selects) ? [] : [selectsNothing(rule, index)]),
      ]),
    ],
  }
}

const selectorOf = ({ select }: FlagsRule): ((candidate: Selectable) => boolean) => {
  const selectors = [select].flat().map(makeSelector)
  return (candidate) => selectors.some((selects) => selects(candidate))
}

const selectsNothing = ({ select }: FlagsRule, rule: number): Misfit => ({
  rule,
  key: ['select'],
  message: `${[select].flat().join(', ')} selects no integration of the configuration`,
})

const unknownCohorts = ({ cohorts = {} }: FlagsRule, rule: number, known: readonly string[]): Misfit[] =>
  Object.keys(cohorts)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      rule,
      key: ['cohorts', name],
      message: `the configuration has no such cohort; there are ${known.join(', ')}`,
    }))

const ladderOf = (integration: string, rule: FlagsRule, known: readonly string[]): Ladder => ({
  integration,
  pins: [],
  cohorts: new Map(
    known.flatMap((cohort) => {
      const steps = rule.cohorts?.[cohort]
      return steps === undefined ? [] : [[cohort, stepsIn(steps)] as const]
    }),
  ),
  rest: stepsIn(rule.everybody),
})

function stepsIn(written: WrittenSteps): readonly Step[] {
  if (typeof written === 'string') return [{ phase: written, percent: 100 }]
  if (!Array.isArray(written)) return sharesIn(written as WrittenShares)
  const latestFirst = [...written].sort((a, b) => (b.from ?? '').localeCompare(a.from ?? ''))
  return latestFirst.flatMap(({ from, ...shares }) =>
    sharesIn(shares).map((step) => (from === undefined ? step : { ...step, from })),
  )
}

/** Whom no share takes is `off`, so that a ladder always answers. */
const sharesIn = (shares: WrittenShares): readonly Step[] => closed(stepsOf(sharesByRank(shares)))
