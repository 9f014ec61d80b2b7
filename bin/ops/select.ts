import { makeSelector } from '../../flags/selector.ts'
import { nearest } from '../config/nearest.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from '../serve/faults.ts'

type Named = Pick<CrossfadeConfig, 'integrations'>

/** The integrations that a selector names, in the order of the configuration. Throws `not-configured` if there is none. */
export function select({ integrations }: Named, selector: string): readonly string[] {
  const isMeant = makeSelector(selector)
  const found = Object.entries(integrations).flatMap(([name, { owner }]) => (isMeant({ name, owner }) ? [name] : []))
  if (found.length === 0)
    throw serveFault('not-configured', `nothing matches ${selector}${meant(selector, Object.keys(integrations))}`)
  return found
}

/** One integration by its very name. Throws `not-configured`. */
export function assertIntegration({ integrations }: Named, name: string): void {
  if (!Object.hasOwn(integrations, name))
    throw serveFault('not-configured', `integration ${name}${meant(name, Object.keys(integrations))}`)
}

/** Throws `not-configured` for a cohort that there is not; undefined: every cohort. */
export function assertCohort({ names }: { readonly names: readonly string[] }, cohort: string | undefined): void {
  if (cohort !== undefined && !names.includes(cohort))
    throw serveFault('not-configured', `cohort ${cohort}${meant(cohort, names) || `; there are ${names.join(', ')}`}`)
}

const meant = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known)
  return near === null ? '' : `; did you mean ${near}?`
}
