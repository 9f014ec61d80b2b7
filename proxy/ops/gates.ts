import { z } from 'zod'
import { cohortName, count, gateWaitSchema, instant, integrationName, phase, reason, selector } from './words.ts'

/** Gates: what a cohort waits for before it moves forward. */
export const gatesQuery = z.strictObject({
  selector: selector.default('*'),
  phase: phase.optional().describe('Judge the way to this phase; without it, the way to what the flag asks for.'),
})

const figuresSchema = z.strictObject({
  inventoried: z.boolean(),
  secrets: count,
  copied: count,
  verified: count.describe(
    'Verified since their last change, or written to both sides after the last full verify began.',
  ),
  quarantined: count,
  debts: count,
  mismatches: count,
  comparisons: count.describe('Since the cohort entered shadow, over all replicas.'),
  full_verify: z.boolean(),
  bypassed: count.describe(
    'Secrets that a verify found changed past the proxy, since the last full one that found none.',
  ),
  bypass_seen_at: instant.nullable(),
})

export const gateSchema = z.strictObject({
  integration: integrationName,
  cohort: cohortName,
  requested: phase,
  passed: phase.describe('The highest phase whose gates are passed: no gate lowers the cohort below it.'),
  effective: phase.describe('The highest that runs.'),
  runs: z.string().describe('With its shares where the cohort is divided: live, or 50% live, 50% dualwrite.'),
  next: phase.nullable().describe('The next gate after what is passed; null: none stands ahead.'),
  waits: z.array(gateWaitSchema).describe('What is lacking on the way that is judged; empty: nothing.'),
  held_since: instant.nullable(),
  entered: z.record(z.string(), instant).describe('Since when the cohort runs each step, or one beyond it.'),
  forced: z.strictObject({ phase, by: z.string(), reason: z.string(), at: instant }).nullable(),
  figures: figuresSchema.nullable().describe('null: the ledger does not answer.'),
})
export const gatesAnswer = z.strictObject({ gates: z.array(gateSchema) })

export const forceGateBody = z.strictObject({
  selector,
  cohort: cohortName.optional(),
  phase: phase.describe('Gates up to this phase count as open, until the flag asks for less than it.'),
  execute: z.boolean().default(false).describe('false: only say what would be passed over.'),
  reason: reason.optional().describe('Required to execute.'),
})
export const forceGateAnswer = z.strictObject({
  executed: z.boolean(),
  gates: z.array(gateSchema).describe('What was lacking, before.'),
})

export type ShownGate = z.infer<typeof gateSchema>
export type ForceGate = z.infer<typeof forceGateBody>
export type ForcedGates = z.infer<typeof forceGateAnswer>
