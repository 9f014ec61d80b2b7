import { z } from 'zod'
import { sizeSchema } from '../../core/units.ts'
import { limitKeys } from '../limits.ts'
import { certificateProblem, mountSchema, vaultKeys } from '../vault/config.ts'
import { templateProblem } from './path-template.ts'

/** How a value lies in the data of a secret, which is a JSON map. */
export const VALUE_FORMS = ['text', 'base64', 'map'] as const
export type ValueForm = (typeof VALUE_FORMS)[number]

const valueSchema = z
  .strictObject({
    as: z
      .enum(VALUE_FORMS)
      .default('text')
      .describe(
        'text: one field holds the value, in base64 where it is no plain text, and says so. base64: one field, always. map: the data is the JSON object itself.',
      ),
    field: z.string().min(1).max(128).default('value').describe('The field that holds the value, for text and base64.'),
    own_field: z
      .string()
      .min(1)
      .max(128)
      .default('crossfade')
      .describe(
        'The one other field: content type, metadata, and what the form itself cannot hold. Absent where there is none.',
      ),
    custom_metadata: z
      .enum(['ignore', 'read'])
      .default('ignore')
      .describe(
        'read: of a secret that others wrote, its custom metadata is its metadata. Version 2 only; never written.',
      ),
  })
  .refine((value) => value.field !== value.own_field, 'field and own_field must differ')
  .prefault({})

const pathSchema = z
  .string()
  .superRefine((template, context) => {
    const message = templateProblem(template)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
  .default('{integration}/{customer}/{name}')
  .describe('Where a secret lies below the mount; {name} is last, and its segments become folders.')

export const vaultKvConfigSchema = z
  .strictObject({
    kind: z.literal('vault-kv'),
    ...vaultKeys,
    mount: mountSchema.describe('Where the secrets engine is mounted.'),
    version: z.union([z.literal(1), z.literal(2)]).describe('Of the secrets engine at that mount.'),
    path: pathSchema,
    value: valueSchema,
    expiring_tokens: z
      .boolean()
      .optional()
      .describe(
        'Each write carries a child token that ends before the write may no longer land, so that the server refuses it afterwards. Needs update on auth/token/create. Default: true for version 1, false for version 2, which compares versions.',
      ),
    max_strings: z
      .int()
      .min(50)
      .max(1_000_000)
      .default(1000)
      .describe('Strings, keys counted, that the server takes in one request: max_request_json_strings of OpenBao.'),
    ...limitKeys,
    max_size: sizeSchema
      .prefault('512KiB')
      .describe('Largest value that is taken; in base64 it must fit an entry of the server, 1 MiB by default.'),
  })
  .superRefine((config, context) => {
    const message = certificateProblem(config)
    if (message !== null) context.addIssue({ code: 'custom', message, path: ['client_cert_file'] })
    if (config.version === 1 && config.value.custom_metadata === 'read') {
      const path = ['value', 'custom_metadata']
      context.addIssue({ code: 'custom', message: 'version 1 keeps no custom metadata', path })
    }
  })

export type VaultKvConfig = z.infer<typeof vaultKvConfigSchema>

/** Whether a write carries a token that ends with it. */
export const endsWithToken = ({ expiring_tokens, version }: VaultKvConfig): boolean => expiring_tokens ?? version === 1
