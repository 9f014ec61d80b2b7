import { z } from 'zod'
import { REASON_BYTES, reasonProblem } from '../../core/reason.ts'
import { SIDES } from '../../core/side.ts'
import { GATE_CONDITIONS } from '../../flags/gates.ts'
import { PHASES } from '../../flags/phase.ts'
import { INTEGRATION_STATES } from '../../ledger/ledger.ts'
import { parseAddressCursor } from './cursors.ts'

/** The words that several schemas of the operators' API share. JSON keys are snake_case, times ISO 8601 in UTC. */
export const phase = z.enum(PHASES)
export const side = z.enum(SIDES)
export const state = z.enum(INTEGRATION_STATES)
export const instant = z.string().meta({ format: 'date-time' })
export const count = z.int().min(0)

/** Which integrations a call is about: a name, a glob (`aws-*`), `owner=TEAM`, or `*` for all. */
export const selector = z
  .string()
  .min(1)
  .max(200)
  .describe('A name of an integration, a glob (aws-*), owner=TEAM, or * for all.')

export const integrationName = z.string().min(1).max(100)
export const cohortName = z.string().min(1).max(100)

/** Why an operator asks for it; kept in the audit record and the event. */
export const reason = z
  .string()
  .min(1)
  .max(REASON_BYTES)
  .superRefine((text, context) => {
    const message = reasonProblem(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })

/** Paging by an opaque key: pass the `next` of one answer as `after` of the next call. */
export const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().max(2000).optional(),
}

/** Paging by a number that grows. */
export const numberPage = {
  ...page,
  after: z
    .string()
    .regex(/^\d{1,18}$/, 'expected the next of an answer')
    .optional(),
}

/** Paging by a place among addresses. */
export const addressPage = {
  ...page,
  after: page.after.refine(
    (text) => text === undefined || parseAddressCursor(text) !== null,
    'expected the next of an answer',
  ),
}

/** One condition of a gate that does not hold. */
export const gateWaitSchema = z.strictObject({
  gate: phase,
  condition: z.enum(GATE_CONDITIONS),
  text: z.string().describe('With its figures: verified 98 % of 100 %: 81 of 4200 left.'),
  next: z.string().describe('The command that helps.'),
})

export const whoamiAnswer = z.strictObject({ name: z.string(), may: z.array(z.enum(['view', 'operate'])) })

export const NOTHING = z.strictObject({})
