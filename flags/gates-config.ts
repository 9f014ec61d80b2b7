import { z } from 'zod'
import { durationSchema, ratioSchema } from '../core/units.ts'
import { PHASES, type Phase } from './phase.ts'

/** What a cohort must have behind it before it enters a phase; what is left out is not asked. */
const conditionsSchema = z
  .strictObject({
    copied: ratioSchema.optional().describe('This share of the secrets is held by both sides.'),
    verified: ratioSchema
      .optional()
      .describe('This share is verified since its last change, or was written after the last full verify began.'),
    comparisons: z.int().min(0).optional().describe('So many shadow comparisons since the cohort entered shadow.'),
    or_full_verify: z
      .boolean()
      .optional()
      .describe('A full verify of the integration that found no difference counts for `comparisons`, however few.'),
    stable_mismatches: z.int().min(0).optional().describe('At most so many open differences between the sides.'),
    no_bypass: z
      .boolean()
      .optional()
      .describe('A full verify found nothing since anything was found that was written past the proxy.'),
    debts: z.int().min(0).optional().describe('At most so many secrets of which one side owes the latest value.'),
    soak: durationSchema
      .optional()
      .describe(
        'How long the cohort has run the step before, without a break: dualwrite for shadow, shadow for live, live or rampdown for what follows.',
      ),
  })
  .refine(({ comparisons, or_full_verify }) => or_full_verify === undefined || comparisons !== undefined, {
    message: 'or_full_verify says what counts for comparisons: name how many',
  })

export type GateConditions = z.output<typeof conditionsSchema>

const GATED = PHASES.filter((phase) => phase !== 'off')

const finalizeSchema = z
  .strictObject({
    soak: durationSchema.describe(
      'How long every cohort has run complete, without a break, before finalize may begin.',
    ),
  })
  .describe('What finalize asks beside its proof; there is no way back from it.')

/** The section `gates`, and `gates` of an integration. */
export const gatesConfigSchema = z.strictObject({
  ...(Object.fromEntries(GATED.map((phase) => [phase, conditionsSchema.optional()])) as Record<
    Exclude<Phase, 'off'>,
    z.ZodOptional<typeof conditionsSchema>
  >),
  finalize: finalizeSchema.optional(),
})

/** Conditions by the phase that they guard; a phase without a row is free to enter. `finalize` guards the end. */
export type GatesConfig = { readonly [P in Phase]?: GateConditions | undefined } & {
  readonly finalize?: z.output<typeof finalizeSchema> | undefined
}

/** Where the configuration has no section `gates`: nothing is compared before it is copied, nor served before it is verified and the writers past the proxy have stopped. */
export const DEFAULT_GATES = {
  shadow: { copied: '100%' },
  live: { verified: '100%', stable_mismatches: 0, no_bypass: true },
} as const satisfies z.input<typeof gatesConfigSchema>

/** What an integration says of a condition counts before what all say of it. */
export const mergeGates = (general: GatesConfig, own: GatesConfig): GatesConfig =>
  Object.fromEntries(
    [...PHASES, 'finalize' as const].flatMap((gate) => {
      const merged = { ...general[gate], ...own[gate] }
      return Object.keys(merged).length === 0 ? [] : [[gate, merged]]
    }),
  )
