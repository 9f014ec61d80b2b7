import { z } from 'zod'
import { auditConfigSchema, identityConfigSchema } from '../../access/config.ts'
import { storesSchema } from '../../backends/config.ts'
import { durationSchema } from '../../core/units.ts'
import { cohortsConfigSchema, flagsConfigSchema } from '../../flags/config.ts'
import { DEFAULT_GATES, gatesConfigSchema } from '../../flags/gates-config.ts'
import { guardConfigSchema } from '../../flags/guard/config.ts'
import { busSection, ledgerSection } from '../../ledger/config.ts'
import { migratorSection } from '../../migrator/config.ts'
import { etagConfigSchema, shadowConfigSchema } from '../../proxy/config.ts'
import { integrationsConfigSchema } from './integrations.ts'
import { listenConfigSchema } from './listen.ts'
import { metricsConfigSchema } from './metrics-section.ts'

/** The whole file: one section a room, each declared where it is used. */
export const configSchema = z.strictObject({
  version: z.literal(1).describe('Of this format.'),
  listen: listenConfigSchema,
  shutdown_deadline: durationSchema
    .prefault('30s')
    .describe(
      'After SIGTERM: requests on their way are answered, and the process ends within this time, whatever clients do.',
    ),
  ledger: ledgerSection,
  bus: busSection.optional(),
  stores: storesSchema.describe('The stores by name; an integration names two of them.'),
  cohorts: cohortsConfigSchema,
  flags: flagsConfigSchema,
  gates: gatesConfigSchema
    .prefault(DEFAULT_GATES)
    .describe('What a cohort must have behind it before it enters a phase; {} asks nothing.'),
  guard: guardConfigSchema,
  integrations: integrationsConfigSchema,
  etag: etagConfigSchema,
  shadow: shadowConfigSchema.prefault({}).describe('Comparing the two sides after the reply.'),
  migrator: migratorSection.prefault({}),
  metrics: metricsConfigSchema.prefault({}).describe("What /metrics shows, on the operators' port."),
  identity: identityConfigSchema,
  audit: auditConfigSchema,
})

/** A valid configuration: durations in ms, sizes in bytes, ratios from 0 to 1, paths absolute, `defaults` merged in. */
export type CrossfadeConfig = z.output<typeof configSchema>

/** For editors, and to name the keys that are known at a place. Draft 7, which the YAML language server reads. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }) as JsonSchema
}

/** As much of JSON Schema as is read here. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly oneOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly pattern?: string
  readonly const?: unknown
}
