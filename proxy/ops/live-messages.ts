import { z } from 'zod'
import { ratePointSchema } from './rates.ts'
import { replicaSchema } from './replicas.ts'
import { capsStateSchema, integrationStatusSchema, latencySchema } from './status.ts'
import { count, instant, integrationName, side } from './words.ts'
import { eventSchema, mismatchSchema } from './work.ts'

/** What one side of an integration owes the other: how many secrets are newest on `fresh`. Those in quarantine are not among them. */
export const debtSchema = z.strictObject({ integration: integrationName, fresh: side, debts: count })

/**
 * Of an integration, what a screen shows. Outcomes and the guard's figures change with every request, and when it was counted
 * with every count: each would have all rows told again and again.
 */
export const liveIntegrationSchema = integrationStatusSchema.omit({ outcomes: true, guard: true, counted_at: true })

/** Parts of the picture that may be unknown for a while. */
export const LIVE_PARTS = ['status', 'flags', 'debts', 'replicas', 'mismatches', 'events'] as const

/**
 * One line of the stream. The first lines are the whole picture, the next ones what changed in it, and after each look
 * comes a beat, also when nothing did. `rates` are to be added to those before; every other line replaces its like.
 */
export const liveMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('integration'), row: liveIntegrationSchema }),
  z.strictObject({ kind: z.literal('caps'), state: capsStateSchema }),
  z.strictObject({ kind: z.literal('latencies'), rows: z.array(latencySchema) }),
  z.strictObject({ kind: z.literal('flags'), source: z.string(), stale: z.boolean() }),
  z.strictObject({ kind: z.literal('debts'), rows: z.array(debtSchema) }),
  z.strictObject({ kind: z.literal('replicas'), rows: z.array(replicaSchema) }),
  z.strictObject({ kind: z.literal('mismatches'), rows: z.array(mismatchSchema).describe('Open ones, newest first.') }),
  z.strictObject({ kind: z.literal('events'), rows: z.array(eventSchema).describe('Newest first.') }),
  z.strictObject({ kind: z.literal('rates'), points: z.array(ratePointSchema) }),
  z.strictObject({
    kind: z.literal('beat'),
    at: instant,
    unknown: z.array(z.enum(LIVE_PARTS)).describe('What could not be looked at just now; what was said of it is old.'),
  }),
])

export type LiveIntegration = z.infer<typeof liveIntegrationSchema>
export type Debt = z.infer<typeof debtSchema>
export type LivePart = (typeof LIVE_PARTS)[number]
export type LiveMessage = z.infer<typeof liveMessage>
