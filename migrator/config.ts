import { z } from 'zod'
import { durationSchema, ratioSchema } from '../core/units.ts'

/** How fast secrets are copied, compared and listed; `rate`, `adaptive` and `concurrency` can be changed while it runs. */
export const paceSection = z.strictObject({
  rate: z
    .union([z.int().min(1), z.literal('none')])
    .default('none')
    .describe('secrets a second of one integration at most, all processes together; `none`: as many as come'),
  adaptive: z
    .boolean()
    .default(true)
    .describe("slows down while clients' latency, or latency or errors of a store, are worse than without copying"),
  min_rate: z.int().min(1).max(1000).default(100).describe('secrets a second that slowing down leaves, of one process'),
  clients: z
    .number()
    .min(1.05)
    .max(10)
    .default(1.2)
    .describe("how many times the p99 of clients' requests without copying the p99 with it may be"),
  stores: z
    .number()
    .min(1.5)
    .max(20)
    .default(4)
    .describe('how many times as long as its fast tenth a call to a store may take; a fifth of all may take longer'),
  errors: ratioSchema.prefault('5%').describe('of the calls to a store that may fail'),
})
export type PaceSection = z.output<typeof paceSection>

/** The section `migrator` of the configuration. */
export const migratorSection = z.strictObject({
  batch: z.int().min(1).max(5000).default(500).describe('secrets that one settle or verify pass takes'),
  concurrency: z.int().min(1).max(64).default(2).describe('passes of one integration at once'),
  pace: paceSection.prefault({}).describe('how fast it goes; `crossfade migrate pace` changes it while it runs'),
  page: z.int().min(1).max(10_000).default(1000).describe('names that one page of the inventory asks for'),
  lease: durationSchema.prefault('10s').describe('how long a settle pass may hold what it claimed'),
  deadline: durationSchema.prefault('5s').describe('longest that one read or listing of a store may take'),
  grace: durationSchema.prefault('1s').describe('verify reads a difference again after it; only what stays is one'),
  patience: durationSchema
    .prefault('1m')
    .describe('a run that nothing went well for so long ends, partial and resumable'),
  slice: durationSchema
    .prefault('5s')
    .refine((ms) => ms >= 100 && ms <= 10_000, 'expected 100ms to 10s')
    .describe('longest that a worker keeps a run before another one may go on with it'),
  jobs: z.int().min(1).max(32).default(4).describe('runs that one worker has at once'),
  worker_lease: durationSchema
    .prefault('10s')
    .refine((ms) => ms >= 500, 'expected 500ms or more')
    .describe('after so long without a sign of life a worker is taken for dead, and others go on with what it had'),
  jobs_schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'expected a name of a schema')
    .default('graphile_worker')
    .describe('schema of the job queue in the database of the ledger'),
  verify_at: z
    .string()
    .regex(/^([0-9*,/-]+ ){4}[0-9*,/-]+$/, 'expected minute hour day month weekday, for example 0 3 * * 0')
    .optional()
    .describe('when everything that is enrolled is verified, as a line of a crontab in UTC; left out: when asked for'),
  keep_runs: durationSchema
    .prefault('90d')
    .describe('how long ended runs are kept; the latest of each integration stays'),
  settler: z
    .strictObject({
      interval: durationSchema.prefault('250ms').describe('between two looks for debts when there were none'),
      sample: durationSchema.prefault('5s').describe('between two counts of the debts'),
    })
    .prefault({})
    .describe('settles debts in the background'),
})
export type MigratorSection = z.output<typeof migratorSection>
