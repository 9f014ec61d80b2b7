import { z } from 'zod'
import { MISMATCH_CLASSES } from '../../ledger/compare.ts'
import { QUARANTINE_REASONS } from '../../ledger/ledger.ts'
import { countsSchema } from './status.ts'
import { addressPage, count, instant, integrationName, numberPage, reason, selector } from './words.ts'

/** Migration runs: enrol, inventory, backfill, verify; and the way out of the ledger: prove, drain, switch, drop. */
export const MIGRATE_STAGES = ['enrol', 'inventory', 'backfill', 'verify', 'prove', 'drain', 'switch', 'drop'] as const

export const migrateBody = z.strictObject({
  integration: integrationName,
  stage: z.enum(['enrol', 'inventory', 'backfill', 'verify']).optional().describe('Only this stage; left out: all.'),
  execute: z.boolean().default(false).describe('false: answer the plan and write nothing.'),
  reason: reason.optional().describe('Required to execute.'),
})

export const verifyBody = z.strictObject({
  integration: integrationName,
  repair: z.boolean().default(false),
  execute: z.boolean().default(false).describe('false: answer the plan and write nothing.'),
  reason: reason.optional().describe('Required to execute.'),
})

/** finalize and abandon. */
export const leaveBody = z.strictObject({
  integration: integrationName,
  abort: z.boolean().default(false).describe('Go back to enrolled; possible until one side is pinned.'),
  execute: z.boolean().default(false).describe('false: answer the plan and write nothing.'),
  reason: reason.optional().describe('Required to execute.'),
})

export const acceptBody = z.strictObject({
  integration: integrationName,
  execute: z.boolean().default(false).describe('false: only count.'),
  reason: reason.optional().describe('Required to execute.'),
})
export const acceptAnswer = z.strictObject({
  executed: z.boolean(),
  handed_over: count.describe('Foreign on new: legacy is right, and settle puts its value over it or removes it.'),
  left_behind: count.describe('Stay in quarantine, and behind when the integration is finalized.'),
  unaddressable: count
    .default(0)
    .describe('Secrets of legacy that no address leads to: they stay behind when the integration is finalized.'),
})

export const retryBody = z.strictObject({
  selector,
  only: z.array(z.enum(QUARANTINE_REASONS)).min(1).optional().describe('Entries of these reasons; left out: of all.'),
  execute: z.boolean().default(false).describe('false: only count.'),
  reason: reason.optional().describe('Required to execute.'),
})
export const retryAnswer = z.strictObject({
  executed: z.boolean(),
  integrations: z.array(
    z.strictObject({
      integration: integrationName,
      retried: z.partialRecord(z.enum(QUARANTINE_REASONS), count).describe('By reason: settled again as any debt.'),
      kept: count.describe('No client can ask for them, or an operation is open.'),
    }),
  ),
})

const nameCount = z.strictObject({ names: count, more: z.boolean().describe('Counting stopped there.') })

export const planSchema = z.strictObject({
  kind: z.literal('plan'),
  integration: integrationName,
  stages: z.array(z.strictObject({ stage: z.enum(MIGRATE_STAGES), what: z.string(), needed: z.boolean() })),
  counts: countsSchema.nullable(),
  names: z
    .strictObject({ legacy: nameCount.nullable(), new: nameCount.nullable() })
    .optional()
    .describe('What each store lists; null where it did not answer, or counts say it.'),
  missing: z.array(z.string()).optional().describe('What the proof lacks; only of finalize and abandon.'),
  risks: z.array(z.string()),
  next: z.array(z.string()).describe('The commands to run next.'),
})

/** A run, as it is polled. `done` of `total` is of the stage; `total` null while it is not known. */
export const runSchema = z.strictObject({
  kind: z.literal('run'),
  run: z.string(),
  integration: integrationName,
  what: z.enum(['migrate', 'verify', 'reverse', 'finalize', 'abandon']),
  outcome: z
    .enum(['queued', 'running', 'paused', 'done', 'mismatches', 'partial', 'failed', 'cancelled'])
    .describe('queued, running, paused: it has not ended.'),
  stage: z.enum(MIGRATE_STAGES),
  done: count,
  total: count.nullable(),
  per_second: z.number().nullable(),
  eta_seconds: z.number().nullable(),
  throttled_by: z.string().nullable(),
  counts: countsSchema.nullable(),
  message: z.string().nullable().describe('Why it is partial or failed; never holds a value.'),
  report: z
    .looseObject({
      integration: integrationName,
      secrets: count,
      verified: count,
      tombstones: count,
      owing: count,
      left_behind: count,
      started: z.string().nullable(),
      ended: z.string(),
      by: z.string(),
      reason: z.string().nullable(),
    })
    .optional()
    .describe('The completion report, at the end of finalize and abandon.'),
  started_at: instant,
  ended_at: instant.nullable(),
})

export const startAnswer = z.discriminatedUnion('kind', [planSchema, runSchema])

export const progressParams = z.strictObject({ integration: integrationName })
export const progressAnswer = z.strictObject({ run: runSchema.nullable().describe('null: there never was one.') })

/** A stable difference between the sides. Fingerprints are keyed digests, null where that side has nothing. */
export const mismatchSchema = z.strictObject({
  id: z.string(),
  integration: integrationName,
  customer: z.string(),
  name: z.string(),
  class: z.enum(MISMATCH_CLASSES),
  legacy_fingerprint: z.string().nullable(),
  new_fingerprint: z.string().nullable(),
  legacy_version: z.string().nullable(),
  new_version: z.string().nullable(),
  at: instant,
  resolved_at: instant.nullable(),
})
export const mismatchesQuery = z.strictObject({
  selector: selector.default('*'),
  show: z.enum(['open', 'all']).default('open'),
  ...numberPage,
})
export const mismatchesAnswer = z.strictObject({ mismatches: z.array(mismatchSchema), next: z.string().nullable() })

export const quarantineEntrySchema = z.strictObject({
  integration: integrationName,
  customer: z.string(),
  name: z.string(),
  reason: z.enum(QUARANTINE_REASONS),
  at: instant.nullable(),
})
export const quarantineQuery = z.strictObject({ selector: selector.default('*'), ...addressPage })
export const quarantineAnswer = z.strictObject({ entries: z.array(quarantineEntrySchema), next: z.string().nullable() })

/**
 * What happened, one a fact, whichever process noticed it: `flag` what a flag asks for, `phase` what a cohort runs, `gate-held`,
 * `gate-released` and `gate-forced`, `flag-set`, `rollback`, `lift`, `guard-trip`, `config-reloaded` and
 * `config-refused`, runs of the migrator, stages, keys.
 */
export const eventSchema = z.strictObject({
  id: z.string().describe('A number that grows; not every number is there.'),
  at: instant,
  kind: z.string(),
  integration: integrationName.nullable(),
  cohort: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  run: z
    .string()
    .nullable()
    .describe('Of an event of a run: what it does and, at its end, how it ended; null of any other.'),
  by: z.string().nullable(),
  reason: z.string().nullable().describe('Why it was asked for; at the end of a run, what stood in the way.'),
  applied: z
    .strictObject({ replicas: count, of: count })
    .nullable()
    .describe('Of the live replicas, those that run it by now; null where it is not a change that replicas follow.'),
})
export const eventsQuery = z.strictObject({
  selector: selector.default('*'),
  ...numberPage,
  since: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional()
    .describe('Only events with a greater number, oldest first; 0 for all. Not with `after`.'),
})
export const eventsAnswer = z.strictObject({
  events: z.array(eventSchema),
  next: z.string().nullable().describe('Of the next page: the `after`, or the `since`, to ask with.'),
})

export type Migrate = z.infer<typeof migrateBody>
export type Verify = z.infer<typeof verifyBody>
export type Leave = z.infer<typeof leaveBody>
export type Accept = z.infer<typeof acceptBody>
export type Accepted = z.infer<typeof acceptAnswer>
export type Retry = z.infer<typeof retryBody>
export type Retried = z.infer<typeof retryAnswer>
export type Plan = z.infer<typeof planSchema>
export type Run = z.infer<typeof runSchema>
export type Started = z.infer<typeof startAnswer>
export type MismatchRow = z.infer<typeof mismatchSchema>
export type Mismatches = z.infer<typeof mismatchesAnswer>
export type QuarantineEntry = z.infer<typeof quarantineEntrySchema>
export type Quarantined = z.infer<typeof quarantineAnswer>
export type OpsEvent = z.infer<typeof eventSchema>
export type Events = z.infer<typeof eventsAnswer>
