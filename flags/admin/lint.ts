import { z } from 'zod'
import { FLAG_PREFIX, flagName } from '../definition.ts'
import { aroundFinding, type DocumentFinding, type DocumentSurroundings, lintDocument } from '../lint-document.ts'
import type { AdminApi, HeldFlag } from './api.ts'

/*
 * Lint of the admin side, which shows what clients do not see: strategies that are switched off, and whether the context
 * field on which shares are sticky is known.
 */

const segmentsSchema = z.object({ segments: z.array(z.unknown()) })
const featuresSchema = z.object({ features: z.array(z.looseObject({ name: z.string() })) })
const fieldSchema = z.looseObject({ stickiness: z.boolean().nullish() })

export const lintAdmin = async (api: AdminApi, around: DocumentSurroundings): Promise<readonly DocumentFinding[]> => {
  const names = await namesIn(api, around.integrations ?? [])
  const flags: [string, HeldFlag][] = []
  for (const name of names) {
    const held = await api.flag(name)
    if (held !== null) flags.push([name, held])
  }
  const { segments } = segmentsSchema.parse(await api.request('GET', '/segments'))
  const document = {
    features: flags.map(([name, held]) => ({
      ...held,
      name,
      strategies: held.strategies.filter(({ disabled }) => !disabled),
    })),
    segments,
    query: { environment: api.environment },
  }
  return [
    ...(await fieldFindings(api)),
    ...(lintDocument(document, around) ?? []),
    ...flags.flatMap(([name, { strategies }]) =>
      strategies.flatMap((strategy, index) =>
        strategy.disabled ? [aroundFinding('strategy-disabled', name, strategy.title || strategy.name, index)] : [],
      ),
    ),
  ]
}

/** Those of the configuration, and whatever else has our prefix in the project. */
async function namesIn(api: AdminApi, integrations: readonly string[]): Promise<readonly string[]> {
  const found = await api.find(`/projects/${encodeURIComponent(api.project)}/features`)
  const parsed = featuresSchema.safeParse(found)
  const listed = parsed.success ? parsed.data.features.map(({ name }) => name) : []
  return [...new Set([...integrations.map(flagName), ...listed.filter((name) => name.startsWith(FLAG_PREFIX))])]
}

async function fieldFindings(api: AdminApi): Promise<readonly DocumentFinding[]> {
  const field = fieldSchema.safeParse(await api.find('/context/customerId'))
  if (field.success && field.data.stickiness === true) return []
  return [aroundFinding('sticky-field', '-', 'flags apply and flags set make the context field customerId')]
}
