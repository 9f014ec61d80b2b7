import { makeSelector } from '../../flags/selector.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from '../serve/faults.ts'

/** The integrations that a selector names, in the order of the configuration. Throws `not-configured` if there is none. */
export function select({ integrations }: CrossfadeConfig, selector: string): readonly string[] {
  const isMeant = makeSelector(selector)
  const found = Object.entries(integrations).flatMap(([name, { owner }]) => (isMeant({ name, owner }) ? [name] : []))
  if (found.length === 0) throw serveFault('not-configured', `nothing matches ${selector}`)
  return found
}
