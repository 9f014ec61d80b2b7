import { z } from 'zod'
import { durationSchema, ratioSchema } from '../../core/units.ts'
import { PHASES } from '../phase.ts'

const keys = {
  window: durationSchema.describe('How far back figures count; they slide by a tenth of it.'),
  cap_to: z.enum(PHASES).describe('The highest phase that stays allowed after a trip, until an operator lifts it.'),
  stable_mismatches: z
    .int()
    .min(0)
    .max(100)
    .describe('Secrets that may differ for good while new is read; 0: the first one trips, however few the samples.'),
  error_ratio: ratioSchema.describe(
    'Share of calls that the serving new side may fail, beyond twice the share that legacy fails.',
  ),
  p99_ratio: z
    .number()
    .gt(1)
    .max(1000)
    .describe('How many times slower the p99 of reads may be on new than on legacy.'),
  min_samples: z.int().min(10).max(1_000_000).describe('Calls below which errors and latencies say nothing.'),
}

const off = z.literal('off')

/** The section `guard`: when it caps a cohort by itself. */
export const guardConfigSchema = z
  .union([
    z.strictObject({
      window: keys.window.prefault('5m'),
      cap_to: keys.cap_to.default('shadow'),
      stable_mismatches: keys.stable_mismatches.default(0),
      error_ratio: keys.error_ratio.prefault('1%'),
      p99_ratio: keys.p99_ratio.default(2),
      min_samples: keys.min_samples.default(200),
    }),
    off,
  ])
  .prefault({})
  .describe('Caps a cohort by itself when new does badly while it is read; off: it never does.')

/** What one integration says otherwise. */
export const guardOverrideSchema = z
  .union([z.strictObject(keys).partial(), off])
  .describe('What the guard of this integration does otherwise; off: it never trips.')

export type GuardConfig = z.output<typeof guardConfigSchema>
export type GuardOverride = z.output<typeof guardOverrideSchema>
export type Budgets = Exclude<GuardConfig, 'off'>

const DEFAULTS = guardConfigSchema.parse({}) as Budgets

/** Null: it is off. */
export function budgetsOf(config: GuardConfig, override: GuardOverride | undefined): Budgets | null {
  if (override === 'off') return null
  if (override === undefined) return config === 'off' ? null : config
  return { ...(config === 'off' ? DEFAULTS : config), ...override } as Budgets
}
