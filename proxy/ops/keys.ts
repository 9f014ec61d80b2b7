import { z } from 'zod'
import { KEY_CHANGES } from '../../backends/key-care.ts'
import { count, reason } from './words.ts'

const customerName = z.string().min(1).max(512)
const storeName = z.string().min(1).max(100)
const after = z.string().max(4000).optional().describe('The `next` of the answer before.')

export const keysParams = z.strictObject({ store: storeName })
export const keysQuery = z.strictObject({ customer: customerName.optional() })
export const keysAnswer = z.strictObject({
  store: storeName,
  customer: customerName.nullable().describe('null: all customers.'),
  active: count.describe('Customers whose key may be used.'),
  revoked: count.describe('Customers who are refused until their key is restored.'),
  destroyed: count.describe('Customers whose key is gone, and with it what was sealed under it.'),
  rows: count.nullable().describe('Sealed versions; null if counting them takes too long.'),
})

export const changeKeysBody = z.strictObject({
  change: z.enum(KEY_CHANGES),
  customer: customerName.optional().describe('Left out: all customers, a page at a time; only to rotate.'),
  after,
  reason: reason.optional().describe('Required to execute.'),
  execute: z.boolean().default(false).describe('false: only say what would happen.'),
})
export const changeKeysAnswer = z.strictObject({
  executed: z.boolean(),
  change: z.enum(KEY_CHANGES),
  customers: z.array(
    z.strictObject({
      customer: customerName,
      key_version: count.nullable().describe('The newest afterwards, if known.'),
    }),
  ),
  refused: count.describe('Customers of the page whose key did not allow it.'),
  total: count.nullable().describe('Customers that it is about, where it is about all.'),
  next: z.string().nullable(),
})

export const rewrapBody = z.strictObject({
  customer: customerName.optional().describe('Left out: all customers.'),
  after,
  limit: z.int().min(1).max(500).default(100),
  reason: reason.optional().describe('Required to execute.'),
  execute: z.boolean().default(false).describe('false: only count.'),
})
export const rewrapAnswer = z.strictObject({
  executed: z.boolean(),
  keys: z.strictObject({
    seen: count,
    wrapped: count.describe('Wrapped anew by the newest root key.'),
    unusable: count.describe('Wrapped by no root key that is configured.'),
  }),
  rows: z.strictObject({
    seen: count,
    resealed: count.describe("Sealed anew under the customer's newest key."),
    current: count.describe('Sealed under it already.'),
    undecryptable: count,
    revoked: count.describe('Left as they are: the keyring refuses their key.'),
  }),
  total: count.nullable().describe('Sealed versions in all, with the first page; null if that is not known.'),
  next: z.string().nullable().describe('Pass it as `after`; null after the last page.'),
})

export type KeysShown = z.infer<typeof keysAnswer>
export type ChangeKeys = z.infer<typeof changeKeysBody>
export type ChangeKeysResult = z.infer<typeof changeKeysAnswer>
export type Rewrap = z.infer<typeof rewrapBody>
export type RewrapResult = z.infer<typeof rewrapAnswer>
