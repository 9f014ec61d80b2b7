import { z } from 'zod'
import { limitKeys } from '../limits.ts'
import { connectionKeys } from '../sql/config.ts'

/** How a value lies in its column. `jsonb` re-serialises, so it holds fewer documents than `json`. */
export const VALUE_COLUMNS = ['bytea', 'text', 'json', 'jsonb', 'base64'] as const
export type ValueColumn = (typeof VALUE_COLUMNS)[number]

const column = z.string().min(1).max(63)

const encodingSchema = z
  .strictObject({
    column: z.enum(VALUE_COLUMNS).describe('How a value lies in its column.'),
    cipher: z
      .literal('aes-256-gcm')
      .optional()
      .describe("The old system's own encryption: nonce of 12 bytes, ciphertext, tag of 16 bytes."),
    key_file: z.string().min(1).optional().describe('The key of that encryption: 32 bytes, raw or as hex or base64.'),
  })
  .refine((e) => (e.cipher === undefined) === (e.key_file === undefined), 'cipher and key_file go together')
  .refine((e) => !e.cipher || e.column === 'bytea' || e.column === 'base64', 'a cipher needs column: bytea or base64')

export const postgresConfigSchema = z.strictObject({
  kind: z.literal('postgres'),
  ...connectionKeys,
  /** `table` or `schema.table`. */
  table: z.string().regex(/^[^.]+(\.[^.]+)?$/, 'expected table or schema.table'),
  columns: z.strictObject({
    integration: column,
    customer: column,
    name: column,
    value: column,
    content_type: column.optional(),
    metadata: column.optional(),
    version: column.optional(),
    updated_at: column.optional(),
    deleted: column.optional(),
  }),
  encoding: encodingSchema,
  ...limitKeys,
})

export type PostgresConfig = z.infer<typeof postgresConfigSchema>
export type ColumnRole = keyof PostgresConfig['columns']
