import { z } from 'zod'
import { durationSchema } from '../core/units.ts'

/** The section `shadow`: comparing the two sides after the reply. */
export const shadowConfigSchema = z.strictObject({
  concurrency: z.int().min(1).max(1000).default(8).describe('Comparisons at once.'),
  queue: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .describe('Comparisons that may wait; beyond that they are dropped.'),
  deadline: durationSchema.prefault('2s').describe('Longest that one read for a comparison may take.'),
  grace: durationSchema.prefault('1s').describe('How long a difference must stay, before both sides are read again.'),
})
export type ShadowConfig = z.output<typeof shadowConfigSchema>

/** The section `etag`. */
export const etagConfigSchema = z.strictObject({
  key_file: z
    .string()
    .min(1)
    .describe(
      '32 random bytes or more: the key of ETags. Unlike the fingerprint key it outlives the migration: keep it.',
    ),
})
