import { z } from 'zod'
import { integrationName, reason, selector } from './words.ts'

/** The pace of copying, comparing and listing: what is asked for, and what a process lets itself do now. */
export const paceQuery = z.strictObject({ selector: selector.default('*') })

export const paceSchema = z.strictObject({
  integration: integrationName,
  rate: z.number().nullable().describe('Secrets a second at most, all processes together; null: no limit.'),
  concurrency: z.int().min(1).describe('Passes at once, in each process.'),
  adaptive: z.boolean().describe("Slows down for clients' latency and for the stores."),
  now: z
    .strictObject({
      rate: z.number().nullable().describe('Secrets a second that it lets itself work on; null: no limit.'),
      passes: z.int().min(0),
      throttled_by: z.string().nullable().describe('What holds passes back; null: nothing.'),
    })
    .nullable()
    .describe('Of the process that was asked; null: it works on none of it.'),
})
export const paceAnswer = z.strictObject({ paces: z.array(paceSchema) })

/** Acts at once, in both directions: there is nothing that it could lose. */
export const setPaceBody = z.strictObject({
  selector,
  rate: z
    .union([z.number().min(0.1).max(1_000_000), z.literal('none')])
    .optional()
    .describe('Secrets a second at most, all processes together.'),
  concurrency: z.int().min(1).max(64).optional().describe('Passes at once, in each process.'),
  adaptive: z.boolean().optional().describe("Slow down for clients' latency and for the stores."),
  reason: reason.optional(),
})

export type ShownPace = z.infer<typeof paceSchema>
export type SetPace = z.output<typeof setPaceBody>
