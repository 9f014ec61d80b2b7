import { z } from 'zod'
import { SHAPES } from '../../backends/digest.ts'
import { ownRecord } from '../../core/own.ts'
import { sizeSchema } from '../../core/units.ts'
import { type GatesConfig, gatesConfigSchema, mergeGates } from '../../flags/gates-config.ts'
import { type GuardOverride, guardOverrideSchema } from '../../flags/guard/config.ts'

const keys = {
  owner: z.string().min(1).optional().describe('The team that an integration belongs to; a selector of commands.'),
  legacy: z.string().min(1).optional().describe('A name below stores: where the secrets come from.'),
  new: z.string().min(1).optional().describe('A name below stores: where they go.'),
  value: z
    .enum(SHAPES)
    .optional()
    .describe('bytes: equal byte for byte. json: equal as canonical JSON, number literals kept.'),
  max_size: sizeSchema.optional().describe('Largest value; a larger one is refused with 413.'),
  gates: gatesConfigSchema.optional().describe('Where it differs from the section gates, condition by condition.'),
  guard: guardOverrideSchema.optional(),
}

const integrationSchema = z.strictObject(keys)
type Given = z.output<typeof integrationSchema>

/** One integration, its defaults merged in. */
export interface IntegrationConfig {
  readonly owner: string | null
  readonly legacy: string
  readonly new: string
  readonly value: (typeof SHAPES)[number]
  /** Bytes. */
  readonly max_size: number
  /** Where it differs from the section `gates`. */
  readonly gates: GatesConfig
  /** What its guard does otherwise; not there: as the section `guard` says. */
  readonly guard?: GuardOverride
}

/** A name is one segment of a path and part of a flag's name. */
export const INTEGRATION_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** The section `integrations`: a name each; what `defaults` says holds where an integration says nothing. */
export const integrationsConfigSchema = z
  .object({ defaults: integrationSchema.optional().describe('Holds where an integration says nothing.') })
  .catchall(integrationSchema)
  .transform(({ defaults, ...named }): Readonly<Record<string, IntegrationConfig>> => {
    return ownRecord(Object.entries(named).map(([name, given]) => [name, merge(defaults ?? {}, given as Given)]))
  })

/** `legacy` and `new` are there: bin/config/cross-checks.ts has looked. */
function merge(defaults: Given, given: Given): IntegrationConfig {
  const said = { ...defaults, ...given }
  return {
    owner: said.owner ?? null,
    legacy: said.legacy ?? '',
    new: said.new ?? '',
    value: said.value ?? 'bytes',
    max_size: said.max_size ?? 1_048_576,
    gates: mergeGates(defaults.gates ?? {}, given.gates ?? {}),
    ...(said.guard === undefined ? {} : { guard: said.guard }),
  }
}
