import { z } from 'zod'
import { limitKeys } from '../limits.ts'
import { connectionKeys } from '../sql/config.ts'

/** How a value lies in its column. `jsonb` re-serialises, so it holds fewer documents than `json`. */
export const VALUE_COLUMNS = ['bytea', 'text', 'json', 'jsonb', 'base64', 'hex'] as const
export type ValueColumn = (typeof VALUE_COLUMNS)[number]

const column = z.string().min(1).max(63)

/** The parts of what AES-GCM makes; where they lie differs from system to system. */
export const CIPHER_PARTS = ['nonce', 'ciphertext', 'tag'] as const
export type CipherPart = (typeof CIPHER_PARTS)[number]

const layoutSchema = z
  .strictObject({
    order: z
      .array(z.enum(CIPHER_PARTS))
      .length(3)
      .refine((order) => new Set(order).size === 3, 'expected nonce, ciphertext and tag, each once')
      .default(['nonce', 'ciphertext', 'tag'])
      .describe(
        'The order of the parts. Java and Go append the tag; programs on Node often put it before the ciphertext.',
      ),
    nonce_bytes: z
      .int()
      .min(12)
      .max(16)
      .default(12)
      .describe('Length of the nonce. 16 is found where a nonce was taken for an IV.'),
    prefix: z.string().max(32).default('').describe('Text before it all, such as `v1:`; only of text columns.'),
    separator: z
      .string()
      .min(1)
      .max(1)
      .regex(/^[^A-Za-z0-9+/=_-]$/, 'expected one character that base64 and hex do not use')
      .optional()
      .describe('Between the parts, each of which is then encoded by itself; only of text columns.'),
    bound: z
      .string()
      .max(200)
      .default('')
      .describe('Additional authenticated data, with {integration}, {customer} and {name}; empty: none.'),
  })
  .prefault({})

const encodingSchema = z
  .strictObject({
    column: z.enum(VALUE_COLUMNS).describe('How a value lies in its column.'),
    cipher: z.literal('aes-256-gcm').optional().describe("The old system's own encryption; the tag has 16 bytes."),
    key_file: z.string().min(1).optional().describe('The key of that encryption: 32 bytes, raw or as hex or base64.'),
    layout: layoutSchema.describe('Where nonce, ciphertext and tag lie.'),
  })
  .refine((e) => (e.cipher === undefined) === (e.key_file === undefined), 'cipher and key_file go together')
  .refine(
    (e) => !e.cipher || ['bytea', 'base64', 'hex'].includes(e.column),
    'a cipher needs column: bytea, base64 or hex',
  )
  .refine(
    ({ column: kind, layout }) => kind !== 'bytea' || (layout.separator === undefined && layout.prefix === ''),
    'separator and prefix need column: base64 or hex',
  )

const constant = z.strictObject({ constant: z.string().min(1).max(63) })

export const postgresConfigSchema = z.strictObject({
  kind: z.literal('postgres'),
  ...connectionKeys,
  /** `table` or `schema.table`. */
  table: z.string().regex(/^[^.]+(\.[^.]+)?$/, 'expected table or schema.table'),
  columns: z.strictObject({
    integration: z
      .union([column, constant])
      .describe('The column, or `{ constant: aws }` for a table that holds one integration only.'),
    customer: column.describe('A column of text, uuid or whole numbers.'),
    name: z
      .union([column, z.array(column).min(2).max(6)])
      .describe('The column, or several: each holds a segment of the name, the last one the rest.'),
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
export type CipherLayout = PostgresConfig['encoding']['layout']
export type ColumnRole = keyof PostgresConfig['columns']
/** The columns beside the key, one a role. */
export type ContentRole = Exclude<ColumnRole, 'integration' | 'customer' | 'name'>
