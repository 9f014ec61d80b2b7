import { z } from 'zod'
import { durationSchema } from '../core/units.ts'

/** The section `identity`. */
export const identityConfigSchema = z.strictObject({
  tokens_file: z
    .string()
    .min(1)
    .describe('A YAML list of tokens: name, role or roles, hash; readable by its owner only.'),
})
export type IdentityConfig = z.output<typeof identityConfigSchema>

const fileSinkSchema = z.strictObject({
  kind: z.literal('file'),
  path: z.string().min(1).describe('JSON lines, appended; reopened on SIGHUP.'),
  sync: z.boolean().default(false).describe('Wait for the disk, so that an entry survives a power cut.'),
})

/** The section `audit`: every sink must have an entry before its operation happens. */
export const auditConfigSchema = z.strictObject({
  sinks: z.array(z.discriminatedUnion('kind', [fileSinkSchema])).min(1),
  deadline: durationSchema
    .prefault('2s')
    .describe(
      'An entry for which the sink takes longer counts as not written; what the process itself was late is not counted.',
    ),
})
export type AuditConfig = z.output<typeof auditConfigSchema>
