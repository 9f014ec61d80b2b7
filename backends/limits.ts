import { z } from 'zod'
import { durationSchema, sizeSchema } from '../core/units.ts'

/** The keys that every store has: what the wrapper around it (backends/guarded.ts) keeps to. */
export const limitKeys = {
  /** Longest that one call may take. */
  deadline: durationSchema.prefault('500ms'),
  /** Opens after so many failures of the store in a row; tries one call again after `reset`. */
  breaker: z.strictObject({ failures: z.int().min(1).default(10), reset: durationSchema.prefault('5s') }).prefault({}),
  /** Calls at once, and calls that may wait for their turn; beyond that a call is refused at once. */
  concurrency: z.strictObject({ max: z.int().min(1).default(64), queue: z.int().min(0).default(256) }).prefault({}),
  /** Largest value that is taken. */
  max_size: sizeSchema.prefault('1MiB'),
}
