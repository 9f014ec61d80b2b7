import { z } from 'zod'
import { MISMATCH_CLASSES } from '../../ledger/compare.ts'
import { QUARANTINE_REASONS } from '../../ledger/ledger.ts'
import { countsSchema } from './status.ts'
import { count, instant, integrationName, page, reason, selector } from './words.ts'

/** Migration runs: enrol, inventory, backfill, verify. */
export const MIGRATE_STAGES = ['enrol', 'inventory', 'backfill', 'verify'] as const

export const migrateBody = z.strictObject({
  integration: integrationName,
  execute: z.boolean().default(false).describe('false: answer the plan and write nothing.'),
  reason: reason.optional().describe('Required to execute.'),
})

export const verifyBody = z.strictObject({
  integration: integrationName,
  repair: z.boolean().default(false),
  execute: z.boolean().default(false).describe('false: answer the plan and write nothing.'),
  reason: reason.optional().describe('Required to execute.'),
})

export const planSchema = z.strictObject({
  kind: z.literal('plan'),
  integration: integrationName,
  stages: z.array(z.strictObject({ stage: z.enum(MIGRATE_STAGES), what: z.string(), needed: z.boolean() })),
  counts: countsSchema.nullable(),
  risks: z.array(z.string()),
  next: z.array(z.string()).describe('The commands to run next.'),
})

/** A run, as it is polled. `done` of `total` is of the stage; `total` null while it is not known. */
export const runSchema = z.strictObject({
  kind: z.literal('run'),
  run: z.string(),
  integration: integrationName,
  what: z.enum(['migrate', 'verify']),
  outcome: z.enum(['running', 'done', 'mismatches', 'partial', 'failed', 'cancelled']),
  stage: z.enum(MIGRATE_STAGES),
  done: count,
  total: count.nullable(),
  per_second: z.number().nullable(),
  eta_seconds: z.number().nullable(),
  throttled_by: z.string().nullable(),
  counts: countsSchema.nullable(),
  message: z.string().nullable().describe('Why it is partial or failed; never holds a value.'),
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
  ...page,
})
export const mismatchesAnswer = z.strictObject({ mismatches: z.array(mismatchSchema), next: z.string().nullable() })

export const quarantineEntrySchema = z.strictObject({
  integration: integrationName,
  customer: z.string(),
  name: z.string(),
  reason: z.enum(QUARANTINE_REASONS),
  at: instant.nullable(),
})
export const quarantineQuery = z.strictObject({ selector: selector.default('*'), ...page })
export const quarantineAnswer = z.strictObject({ entries: z.array(quarantineEntrySchema), next: z.string().nullable() })

/** Every flip, cap, trip, rollback, lift and stage: who, when, from, to, why. */
export const eventSchema = z.strictObject({
  id: z.string(),
  at: instant,
  kind: z.string(),
  integration: integrationName.nullable(),
  cohort: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
})
export const eventsQuery = z.strictObject({ selector: selector.default('*'), ...page })
export const eventsAnswer = z.strictObject({ events: z.array(eventSchema), next: z.string().nullable() })

export type Migrate = z.infer<typeof migrateBody>
export type Verify = z.infer<typeof verifyBody>
export type Plan = z.infer<typeof planSchema>
export type Run = z.infer<typeof runSchema>
export type Started = z.infer<typeof startAnswer>
export type MismatchRow = z.infer<typeof mismatchSchema>
export type Mismatches = z.infer<typeof mismatchesAnswer>
export type QuarantineEntry = z.infer<typeof quarantineEntrySchema>
export type Quarantined = z.infer<typeof quarantineAnswer>
export type OpsEvent = z.infer<typeof eventSchema>
export type Events = z.infer<typeof eventsAnswer>
