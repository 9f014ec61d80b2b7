import { makeGlob } from '../../core/glob.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from '../serve/faults.ts'

/** The integrations that a selector names, in the order of the configuration. Throws `not-configured` if there is none. */
export function select({ integrations }: CrossfadeConfig, selector: string): readonly string[] {
  const matches = matcher(selector)
  const found = Object.entries(integrations).flatMap(([name, { owner }]) => (matches(name, owner) ? [name] : []))
  if (found.length === 0) throw serveFault('not-configured', `nothing matches ${selector}`)
  return found
}

function matcher(selector: string): (name: string, owner: string | null) => boolean {
  if (selector.startsWith('owner=')) {
    const team = selector.slice('owner='.length)
    return (_name, owner) => owner === team
  }
  const glob = makeGlob(selector)
  return (name) => glob.matches(name)
}
