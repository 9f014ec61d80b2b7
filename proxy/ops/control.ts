import { z } from 'zod'
import { capSchema, stillNewSchema } from './status.ts'
import { cohortName, count, instant, integrationName, phase, reason, selector } from './words.ts'

/** Flags: what is asked for. */
export const flagsQuery = z.strictObject({ selector: selector.default('*') })
export const flagSchema = z.strictObject({
  integration: integrationName,
  enabled: z.boolean().nullable().describe('null: there is no such flag.'),
  /** First match wins. `cohort` null: everyone; `percent` of the customers that matched. */
  steps: z.array(z.strictObject({ cohort: cohortName.nullable(), percent: z.number().min(0).max(100), phase })),
})
export const flagsAnswer = z.strictObject({
  source: z.string(),
  revision: z.string().nullable(),
  fetched_at: instant.nullable(),
  stale: z.boolean(),
  flags: z.array(flagSchema),
})

export const lintFlagsAnswer = z.strictObject({
  source: z.string(),
  findings: z.array(
    z.strictObject({
      flag: z.string().describe('- for the answer as a whole.'),
      code: z.string(),
      severity: z.enum(['error', 'warning']),
      strategy: count.nullable().describe('From 0.'),
      detail: z.string(),
      rule: z.string(),
    }),
  ),
})

export const setFlagsBody = z.strictObject({
  selector,
  cohort: cohortName.optional(),
  percent: z.number().min(0).max(100).optional(),
  phase,
  reason,
  execute: z.boolean().default(false).describe('false: only say what would change.'),
})
/** One flag's move. `waits_for`: what holds the requested phase back, each with its figures; empty if nothing does. */
export const flagChangeSchema = z.strictObject({
  integration: integrationName,
  cohort: cohortName.nullable(),
  from: phase.nullable(),
  to: phase,
  effective: phase,
  waits_for: z.array(z.string()),
  problem: z.string().nullable().default(null).describe('Why this flag was not, or cannot be, set.'),
})
export const setFlagsAnswer = z.strictObject({
  executed: z.boolean(),
  one_by_one: z
    .boolean()
    .default(false)
    .describe('Flags of a server: each takes a second or two. Ask for one integration at a time to see progress.'),
  changes: z.array(flagChangeSchema),
})

export const acceptFlagsBody = z.strictObject({
  execute: z.boolean().default(false).describe('false: only say what is held.'),
  reason: reason.optional(),
})
/** The answer of the flag source that `max_moves` holds: `from` runs now, `to` is what the flag asks for at most. */
export const acceptFlagsAnswer = z.strictObject({
  executed: z.boolean().describe('false also where nothing is held any more.'),
  limit: count.nullable().describe('How many integrations one answer may move; null: nothing is held.'),
  moves: z.array(z.strictObject({ integration: integrationName, from: phase, to: phase })),
})

/** Caps: what is allowed. */
export const capsQuery = z.strictObject({ selector: selector.default('*') })
export const capsAnswer = z.strictObject({ caps: z.array(capSchema) })

export const rollbackBody = z.strictObject({
  selector,
  cohort: cohortName.optional(),
  to: phase.default('off'),
  reason: reason.optional(),
})
export const replicasSchema = z.strictObject({ applied: count, of: count })
/** The state of an integration dictates its phase, whatever a flag or a cap says. */
export const pinnedSchema = z.strictObject({
  integration: integrationName,
  phase,
  why: z.string(),
  next: z.string().nullable().describe('The command that leads back; null: none does.'),
})
export const rollbackAnswer = z.strictObject({
  caps: z.array(capSchema),
  durable: z.boolean().describe('false: applied from memory, the ledger is down; made durable when it is back.'),
  replicas: replicasSchema,
  still_new: stillNewSchema
    .nullable()
    .describe(
      'Secrets still answered by new because only it holds the latest write; null: new is read first all the same, or the ledger is down.',
    ),
  unmoved: z
    .array(pinnedSchema)
    .default([])
    .describe('Those that no cap leads back, since they leave legacy or have left it.'),
})

export const liftBody = z.strictObject({
  selector,
  cohort: cohortName.optional(),
  force: z.boolean().default(false).describe('Lift although the flag asks for more than now runs.'),
  reason: reason.optional(),
})
export const liftAnswer = z.strictObject({ lifted: z.array(capSchema), replicas: replicasSchema })

export type Flags = z.infer<typeof flagsAnswer>
export type FlagFindings = z.infer<typeof lintFlagsAnswer>
export type SetFlags = z.infer<typeof setFlagsBody>
export type FlagChange = z.infer<typeof flagChangeSchema>
export type SetFlagsResult = z.infer<typeof setFlagsAnswer>
export type AcceptFlags = z.infer<typeof acceptFlagsBody>
export type AcceptFlagsResult = z.infer<typeof acceptFlagsAnswer>
export type Pinned = z.infer<typeof pinnedSchema>
export type Rollback = z.infer<typeof rollbackBody>
export type RollbackResult = z.infer<typeof rollbackAnswer>
export type Lift = z.infer<typeof liftBody>
export type LiftResult = z.infer<typeof liftAnswer>
