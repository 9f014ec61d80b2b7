import { z } from 'zod'
import { durationSchema, sizeSchema } from '../core/units.ts'

/** The keys that every store has: what the wrapper around it (backends/guarded.ts) keeps to. */
export const limitKeys = {
  deadline: durationSchema.prefault('500ms').describe('Longest that one call may take.'),
  breaker: z
    .strictObject({ failures: z.int().min(1).default(10), reset: durationSchema.prefault('5s') })
    .prefault({})
    .describe(
      'Opens after so many failures in a row, of reads or of writes; then pings, ever later and at most `reset` apart, find out when it is back.',
    ),
  concurrency: z
    .strictObject({ max: z.int().min(1).default(64), queue: z.int().min(0).default(256) })
    .prefault({})
    .describe('Calls at once, and calls that may wait for their turn; beyond that a call is refused at once.'),
  max_size: sizeSchema.prefault('1MiB').describe('Largest value that is taken.'),
}

export const LIMIT_KEYS = Object.keys(limitKeys)
