import { z } from 'zod'
import type { ConfigDocument, Path, Problem } from './document.ts'
import { INTEGRATION_NAME } from './integrations.ts'
import { nearest } from './nearest.ts'

const anything = z.record(z.string(), z.unknown())
/** Reads what it can of a file that may be wrong elsewhere: all problems are reported at once. */
const looseSchema = z.object({
  stores: anything.catch({}),
  integrations: z.record(z.string(), anything.catch({})).catch({}),
})

/** What one section says of another: an integration names two different stores that exist. */
export function crossProblems(document: ConfigDocument): Problem[] {
  const { success, data } = looseSchema.safeParse(document.input ?? {})
  if (!success) return []
  const { defaults = {}, ...named } = data.integrations
  const stores = Object.keys(data.stores)
  return Object.entries(named).flatMap(([name, given]) => {
    const sides = { legacy: given['legacy'] ?? defaults['legacy'], new: given['new'] ?? defaults['new'] }
    return [
      ...nameProblems(name, document),
      ...(['legacy', 'new'] as const).flatMap((side) => {
        const owner = given[side] === undefined && defaults[side] !== undefined ? 'defaults' : name
        return sideProblems(['integrations', owner, side], sides[side], stores, document)
      }),
      ...samenessProblems(name, sides, document),
    ]
  })
}

function nameProblems(name: string, document: ConfigDocument): Problem[] {
  if (INTEGRATION_NAME.test(name)) return []
  const rule = 'expected a name of lower-case letters, digits, dots, dashes and underscores, at most 63'
  return [document.problemAtKey(['integrations', name], rule)]
}

function sideProblems(at: Path, store: unknown, stores: readonly string[], document: ConfigDocument): Problem[] {
  if (store === undefined) return [document.problemAt(at, 'missing; name a store here or in integrations.defaults')]
  if (typeof store !== 'string' || stores.includes(store)) return []
  const meant = nearest(store, stores)
  const advice = meant === null ? `known: ${stores.join(', ') || 'none'}` : `did you mean ${meant}?`
  return [document.problemAt(at, `there is no such store below stores; ${advice}`)]
}

function samenessProblems(name: string, sides: { legacy: unknown; new: unknown }, document: ConfigDocument): Problem[] {
  if (sides.legacy === undefined || sides.legacy !== sides.new) return []
  return [document.problemAt(['integrations', name], 'legacy and new are the same store; nothing could be moved')]
}
