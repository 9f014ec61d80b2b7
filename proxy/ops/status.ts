import { z } from 'zod'
import { evidenceSchema } from '../../flags/guard/judge.ts'
import { cohortName, count, gateWaitSchema, instant, integrationName, phase, selector, side, state } from './words.ts'

/** A cap: the highest phase allowed now. `cohort` null: every cohort. */
export const capSchema = z.strictObject({
  integration: integrationName,
  cohort: cohortName.nullable(),
  phase,
  source: z.enum(['gate', 'guard', 'rollback']),
  reason: z.string(),
  by: z.string().nullable(),
  at: instant,
  evidence: evidenceSchema.nullable().describe('What the guard saw; never a value.'),
})

/** On how many of the live replicas the caps run that hold now. */
export const capsStateSchema = z.strictObject({
  durable: z.boolean().describe('false: one waits in memory for the ledger, and is written when it is back.'),
  applied: count,
  of: count,
})

/** What new still answers where legacy is read first, because only new holds the latest write; and until when. */
export const stillNewSchema = z.strictObject({
  secrets: count,
  quarantined: count.describe('Of them, those that settle leaves alone until an operator decides.'),
  until: z.enum(['now', 'estimated', 'store-away', 'quarantine', 'unknown']),
  seconds: z.number().nullable().describe('Until it is 0, told from how it went so far; null: not known.'),
  stores: z.array(z.string()).describe('That have to answer first.'),
})

/** What the guard sees of a cohort in which new is read. `used`: of each budget; above 1 it trips. */
export const guardSchema = z.strictObject({
  cap_to: phase,
  window_seconds: z.number(),
  shared: z.boolean().describe('false: no messages are heard, so these are the figures of this replica alone.'),
  cohorts: z.array(
    z.strictObject({
      cohort: cohortName,
      calls: count,
      errors: count,
      legacy_calls: count,
      legacy_errors: count,
      mismatches: count,
      used: z.strictObject({ mismatches: z.number(), errors: z.number(), latency: z.number() }),
    }),
  ),
})

/** Exact counts of secrets from the ledger; null while the integration is not enrolled and nothing is counted. */
export const countsSchema = z.strictObject({
  discovered: count,
  copied: count,
  verified: count,
  owing: count,
  mismatched: count,
  quarantined: count,
  tombstones: count,
  left: count.describe('Not copied yet: what the burndown counts to 0.'),
  arrived: count.describe('Of those discovered, names that came after the inventory.'),
})

/** What one cohort of one integration runs, and why it is not what the flag asks for. */
export const cohortPhaseSchema = z.strictObject({
  cohort: cohortName,
  requested: phase.nullable().describe('null: the flag is missing, unparseable, unmatched or stale.'),
  effective: phase.describe('The highest that runs.'),
  runs: z.string().describe('With its shares where the cohort is divided: live, or 50% live, 50% dualwrite.'),
  why: z.string().describe('One sentence: flag, cap, gate, state or last known phase.'),
  waits: z.array(gateWaitSchema).describe('What a gate holds the cohort back for; empty: none does.'),
  counts: countsSchema.nullable().describe('null as of the integration.'),
})

/** Requests of clients about one integration since this replica started; `latencies` has them by phase. */
export const outcomeSchema = z.strictObject({
  operation: z.string(),
  outcome: z.string(),
  count,
})

/** Latency since this replica started. `side` null: what clients saw of the proxy as a whole, in `phase`. */
export const latencySchema = z.strictObject({
  side: side.nullable(),
  store: z.string().nullable(),
  phase: z.string().nullable(),
  operation: z.string(),
  count,
  p50_seconds: z.number().nullable(),
  p99_seconds: z.number().nullable(),
  outcomes: z.record(z.string(), count),
})

export const integrationStatusSchema = z.strictObject({
  integration: integrationName,
  owner: z.string().nullable(),
  state,
  inventoried: z.boolean(),
  stores: z.strictObject({ legacy: z.string(), new: z.string() }),
  cohorts: z.array(cohortPhaseSchema),
  caps: z.array(capSchema),
  still_new: stillNewSchema
    .nullable()
    .describe(
      'Of customers whose phase reads legacy first, by a flag or a cap; null: there are none, or the ledger is down.',
    ),
  guard: guardSchema.nullable().describe('null: off.'),
  counts: countsSchema.nullable(),
  counted_at: instant
    .nullable()
    .describe('When it was counted; null: for this answer. A large integration is counted every ten seconds at most.'),
  bypass: z
    .strictObject({ secrets: count, last_seen: instant })
    .nullable()
    .describe('Writers past the proxy, found since the last full verify that found none; null: none.'),
  open_mismatches: count,
  outcomes: z.array(outcomeSchema),
})

/** What does not answer this replica now. */
export const awaySchema = z.strictObject({
  ledger: z.boolean().describe('Then nothing is counted, and writes of what is enrolled are refused.'),
  stores: z.array(z.string()).describe('Whose breaker is open.'),
  unfit: z
    .array(
      z.strictObject({
        store: z.string(),
        detail: z.string(),
        stops: z.enum(['all', 'writes', 'nothing']).describe('nothing: it could not be asked.'),
      }),
    )
    .default([])
    .describe('Stores whose own check found an error.'),
})

/** What this replica finds of the configurations of all. */
export const configuredSchema = z.strictObject({
  problems: z.array(z.string()).describe('Of this replica, against what was enrolled: it is not ready.'),
  left_out: z
    .array(z.strictObject({ integration: integrationName, state }))
    .describe('What the ledger holds and the configuration does not name.'),
  differing: z
    .array(z.strictObject({ replica: z.string(), words: z.array(z.string()) }))
    .describe('Live replicas that run something else than this one: other phases, cohorts, keys or stores.'),
})

export const statusQuery = z.strictObject({ selector: selector.default('*') })
export const statusAnswer = z.strictObject({
  at: instant,
  caps: capsStateSchema,
  away: awaySchema.default({ ledger: false, stores: [], unfit: [] }),
  configured: configuredSchema.default({ problems: [], left_out: [], differing: [] }),
  unaddressable: z
    .array(z.strictObject({ integration: integrationName, why: z.string(), count }))
    .optional()
    .describe('Secrets of legacy that no address leads to, counted a minute ago at most; nothing carries them over.'),
  stuck: z
    .array(
      z.strictObject({
        integration: integrationName,
        customer: z.string(),
        name: z.string(),
        attempts: count,
        reason: z.string(),
      }),
    )
    .optional()
    .describe('Debts that did not settle three times or more, and why: those that were tried most often.'),
  integrations: z.array(integrationStatusSchema),
  latencies: z.array(latencySchema),
})

export const explainParams = z.strictObject({ integration: integrationName, customer: z.string().min(1).max(512) })
export const explainAnswer = z.strictObject({
  integration: integrationName,
  customer: z.string(),
  cohort: cohortName,
  state,
  requested: phase.nullable(),
  effective: phase,
  /** In the order in which they were applied: flag, last known, caps, state. */
  steps: z.array(z.strictObject({ rule: z.string(), phase: phase.nullable(), because: z.string() })),
  next: z.array(z.string()).describe('Commands that would change it.'),
})

export type StillNew = z.infer<typeof stillNewSchema>
export type GuardStatus = z.infer<typeof guardSchema>
export type Cap = z.infer<typeof capSchema>
export type CohortPhase = z.infer<typeof cohortPhaseSchema>
export type Counts = z.infer<typeof countsSchema>
export type OutcomeCount = z.infer<typeof outcomeSchema>
export type Latency = z.infer<typeof latencySchema>
export type IntegrationStatus = z.infer<typeof integrationStatusSchema>
export type Status = z.infer<typeof statusAnswer>
export type Explanation = z.infer<typeof explainAnswer>
