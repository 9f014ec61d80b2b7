import { z } from 'zod'
import { limitKeys } from '../limits.ts'

/** For tests and simulation: nothing outlives the process. */
export const memoryConfigSchema = z.strictObject({
  kind: z.literal('memory'),
  /** `fenced`: versions survive deletes. `plain`: no fence, as most old tables. */
  versions: z.enum(['plain', 'fenced']).default('fenced'),
  ...limitKeys,
})

export type MemoryConfig = z.infer<typeof memoryConfigSchema>
