import { z } from 'zod'
import { durationSchema } from '../../core/units.ts'
import { limitKeys } from '../limits.ts'
import { connectionKeys } from '../sql/config.ts'
import { certificateProblem, mountSchema, vaultKeys } from '../vault/config.ts'
import { isKeyTemplate } from './key-name.ts'

const localKeyringSchema = z.strictObject({
  kind: z.literal('local'),
  root_key_file: z
    .string()
    .min(1)
    .describe("32 bytes, raw or as hex or base64; wraps the customers' keys and is kept in no database."),
  previous_root_key_file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The root key before, while it is exchanged: it unwraps, and `crossfade keys rewrap` carries its keys over.',
    ),
  /** Customers whose keys are kept in memory, and for how long before they are asked for again. */
  cache: z.int().min(1).default(10_000),
  cache_for: durationSchema.prefault('1m'),
})

const transitKeyringSchema = z
  .strictObject({
    kind: z.literal('transit'),
    ...vaultKeys,
    mount: mountSchema.default('transit').describe('Where the transit engine is mounted.'),
    key_name: z
      .string()
      .refine(isKeyTemplate, 'expected letters, digits, _, - and ., with {customer} once')
      .default('customer-{customer}')
      .describe('The key of each customer; what a name there cannot hold is written as _ and two hex digits.'),
    cache: z.int().min(1).default(10_000).describe('Customers of whom is remembered that they have a key.'),
  })
  .superRefine((config, context) => {
    const message = certificateProblem(config)
    if (message !== null) context.addIssue({ code: 'custom', message, path: ['client_cert_file'] })
  })

export const sealedConfigSchema = z.strictObject({
  kind: z.literal('sealed'),
  ...connectionKeys,
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'expected a lower-case identifier')
    .default('sealed')
    .describe('The PostgreSQL schema that this store owns; created and migrated by it.'),
  keyring: z.discriminatedUnion('kind', [localKeyringSchema, transitKeyringSchema]),
  keep_versions: z.int().min(1).max(100).default(5).describe('Versions kept of each secret; a delete keeps none.'),
  ...limitKeys,
})

export type SealedConfig = z.infer<typeof sealedConfigSchema>
export type LocalKeyringConfig = z.infer<typeof localKeyringSchema>
export type TransitKeyringConfig = z.infer<typeof transitKeyringSchema>
