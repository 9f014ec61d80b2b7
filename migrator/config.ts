import { z } from 'zod'
import { durationSchema } from '../core/units.ts'

/** How fast secrets are copied, compared and listed. */
export const paceSection = z.strictObject({
  rate: z
    .union([z.int().min(1), z.literal('none')])
    .default('none')
    .describe('secrets a second of one integration at most, all processes together; `none`: as many as come'),
})
export type PaceSection = z.output<typeof paceSection>

/** The section `migrator` of the configuration. */
export const migratorSection = z.strictObject({
  batch: z.int().min(1).max(5000).default(200).describe('secrets that one settle or verify pass takes'),
  concurrency: z.int().min(1).max(64).default(2).describe('passes of one integration at once'),
  pace: paceSection.prefault({}).describe('how fast it goes'),
  page: z.int().min(1).max(10_000).default(1000).describe('names that one page of the inventory asks for'),
  lease: durationSchema.prefault('10s').describe('how long a settle pass may hold what it claimed'),
  deadline: durationSchema.prefault('5s').describe('longest that one read or listing of a store may take'),
  grace: durationSchema.prefault('1s').describe('verify reads a difference again after it; only what stays is one'),
  patience: durationSchema
    .prefault('1m')
    .describe('a run that nothing went well for so long ends, partial and resumable'),
  settler: z
    .strictObject({
      interval: durationSchema.prefault('250ms').describe('between two looks for debts when there were none'),
      sample: durationSchema.prefault('5s').describe('between two counts of the debts'),
    })
    .prefault({})
    .describe('settles debts in the background'),
})
export type MigratorSection = z.output<typeof migratorSection>
