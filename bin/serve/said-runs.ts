import { shortDigest } from '../../backends/place.ts'
import { SIDES } from '../../core/side.ts'
import type { CohortRule } from '../../flags/cohorts.ts'
import { type Outlook, sharesInWords, sharesOf } from '../../flags/outlook.ts'
import type { Enrolment, SideIdentity } from '../../ledger/enrolment.ts'
import type { KeyChecks } from './key-checks.ts'

/*
 * What a replica tells the others of itself: digests of what must be equal everywhere, and the phases that it runs. Who
 * differs is found by comparing, and said in words.
 */
export interface Runs {
  readonly keys: KeyChecks
  /** Of the rules that make the cohorts. */
  readonly cohorts: string
  /** Of each integration: each side as configured, and the shape. */
  readonly integrations: Readonly<Record<string, SaidIntegration>>
  /** Of each integration and cohort, such as `live` or `50% live, 50% dualwrite`. */
  readonly phases: Readonly<Record<string, Readonly<Record<string, string>>>>
}

interface SaidIntegration {
  readonly legacy: string
  readonly new: string
  readonly value: string
}

const saidSide = ({ kind, place, mapping }: SideIdentity): string => shortDigest({ kind, place, mapping })

export const saidIntegration = (enrolment: Enrolment): SaidIntegration => ({
  legacy: saidSide(enrolment.legacy),
  new: saidSide(enrolment.new),
  value: enrolment.value,
})

export const saidCohorts = (rules: readonly CohortRule[]): string =>
  shortDigest(
    rules.map((rule) => (rule.kind === 'customers' ? { ...rule, customers: [...rule.customers].sort() } : rule)),
  )

export const saidPhases = (outlooks: readonly (readonly Outlook[])[]): Runs['phases'] =>
  Object.fromEntries(
    outlooks.map((own) => [
      own[0]?.integration ?? '',
      Object.fromEntries(own.map((outlook) => [outlook.cohort, sharesInWords(sharesOf(outlook))])),
    ]),
  )

/** In what another one is configured otherwise, of the integrations that both have. */
export function configuredOtherwise(mine: Runs, its: Runs): readonly string[] {
  return Object.entries(mine.integrations).flatMap(([name, own]) => {
    const other = Object.hasOwn(its.integrations, name) ? its.integrations[name] : undefined
    if (other === undefined) return []
    const sides = SIDES.filter((side) => own[side] !== other[side]).map((side) => `\`${side}\` is another store`)
    return [...sides, ...(own.value === other.value ? [] : [`value: ${other.value}, here ${own.value}`])].map(
      (words) => `${name}: ${words}`,
    )
  })
}

/** Everything in which another one is not as this one: for people, so many of a kind on one line. */
export function differsIn(mine: Runs, its: Runs): readonly string[] {
  const only = (a: Runs, b: Runs): readonly string[] =>
    Object.keys(a.integrations).filter((name) => !Object.hasOwn(b.integrations, name))
  const named = (list: readonly string[], words: string): readonly string[] =>
    list.length === 0 ? [] : [`${words}: ${shorten(list)}`]
  return [
    ...(its.keys.etag === mine.keys.etag ? [] : ['has another ETag key']),
    ...(isSameKey(mine.keys.fingerprint, its.keys.fingerprint) ? [] : ['has another fingerprint key']),
    ...configuredOtherwise(mine, its),
    ...named(only(mine, its), 'does not have'),
    ...named(only(its, mine), 'has besides'),
    ...(its.cohorts === mine.cohorts ? [] : ['has other cohorts']),
    ...phasesOtherwise(mine, its),
  ]
}

/** One that was destroyed is no other one. */
export const isSameKey = (a: string | null, b: string | null): boolean => a === null || b === null || a === b

function phasesOtherwise(mine: Runs, its: Runs): readonly string[] {
  const groups = new Map<string, string[]>()
  for (const [integration, cohorts] of Object.entries(mine.phases)) {
    for (const [cohort, here] of Object.entries(cohorts)) {
      const there = its.phases[integration]?.[cohort]
      if (there === undefined || there === here) continue
      const words = `runs ${there} where this one runs ${here}`
      groups.set(words, [...(groups.get(words) ?? []), `${integration}/${cohort}`])
    }
  }
  return [...groups].map(([words, where]) => `${words}: ${shorten(where)}`)
}

const MOST = 5
const shorten = (list: readonly string[]): string =>
  list.length <= MOST ? list.join(', ') : `${list.slice(0, MOST).join(', ')} and ${list.length - MOST} more`
