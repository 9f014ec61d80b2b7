import { z } from 'zod'

/** The section `metrics`. */
export const metricsConfigSchema = z.strictObject({
  integration_series: z
    .enum(['auto', 'each', 'none'])
    .default('auto')
    .describe(
      'Whether each integration has series of its own, up to 60; without them counters say `other`. auto: up to 1000 integrations.',
    ),
})
