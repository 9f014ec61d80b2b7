import { isDeepStrictEqual } from 'node:util'
import { type Cap, EVERY_INTEGRATION, makeCapBook } from './caps.ts'
import { type CohortRule, makeCohorts } from './cohorts.ts'
import { phaseRank } from './phase.ts'

/*
 * A cap is of a cohort by name. Under other rules it would cover other customers: whoever leaves the cohort runs what his new
 * one runs, at once and without a word. So rules may change as long as nobody leaves a cap for less.
 */

/** What the rules of after would take out of caps, in words that begin with the cap; empty: they may take the place of before. */
export function uncovered(
  before: readonly CohortRule[],
  after: readonly CohortRule[],
  caps: readonly Cap[],
): readonly string[] {
  const book = makeCapBook(caps)
  return caps.flatMap((cap) => {
    const { kind, cohort, phase, integration } = cap
    if (kind === 'gate' || cohort === null) return []
    const all = integration === EVERY_INTEGRATION
    const what = `the ${kind} of ${all ? 'every integration' : integration} caps cohort ${cohort} at ${phase}`
    const lift = `crossfade lift ${all ? '--all' : integration} --cohort ${cohort}`
    if (!after.some(({ name }) => name === cohort)) return [`${what}, which there would not be: ${lift}`]
    const looser = [...goingTo(before, after, cohort)].filter((other) => {
      const own = book.lowest(integration, other)
      return own === null || phaseRank(own.phase) > phaseRank(phase)
    })
    return looser.length === 0 ? [] : [`${what}, and customers of it would be in ${looser.join(', ')}: ${lift}`]
  })
}

/** The cohorts in which customers of this one would be, or might be: a pattern has members that nobody can list. */
function goingTo(before: readonly CohortRule[], after: readonly CohortRule[], cohort: string): ReadonlySet<string> {
  const at = before.findIndex(({ name }) => name === cohort)
  const was = before[at]
  if (was === undefined) return new Set()
  const [then, now] = [makeCohorts(before), makeCohorts(after)]
  const ends = (customers: Iterable<string>): string[] =>
    [...customers].filter((customer) => then.of(customer) === cohort).map((customer) => now.of(customer))
  if (was.kind === 'customers') return others(ends(was.customers), cohort)
  const next = after.findIndex(({ name }) => name === cohort)
  const names = after.map(({ name }) => name)
  if (!isDeepStrictEqual(was, after[next])) return others(names, cohort)
  const known = before.slice(0, at)
  const takers = after.slice(0, next).flatMap((rule) => {
    if (rule.kind === 'customers') return ends(rule.customers)
    return known.some((old) => isSameMembers(old, rule)) ? [] : [rule.name]
  })
  return others(takers, cohort)
}

const others = (names: readonly string[], cohort: string): ReadonlySet<string> =>
  new Set(names.filter((name) => name !== cohort))

const isSameMembers = ({ name: _a, ...a }: CohortRule, { name: _b, ...b }: CohortRule): boolean =>
  isDeepStrictEqual(a, b)
