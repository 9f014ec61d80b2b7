import { z } from 'zod'
import { isWhole } from './text.ts'

/** What can be part of a name: nothing that no store holds. */
const nameText = z
  .string()
  .min(1)
  .refine((text) => isWhole(text) && Buffer.byteLength(text) <= 512, 'expected a name of at most 512 bytes')

/** The clients' API as data: the server and its OpenAPI document are made from it. */
export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Names on one page.'),
  after: nameText.optional().describe('The next of the page before.'),
})
export const NO_QUERY = z.strictObject({})

export const listAnswer = z.strictObject({
  entries: z.array(z.strictObject({ name: z.string() })),
  next: z.string().nullable().describe('Pass as after for the next page; null after the last.'),
})

export const SECRET_METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'] as const
export const LISTING_METHODS = ['GET', 'HEAD'] as const
