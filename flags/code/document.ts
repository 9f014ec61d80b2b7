import { z } from 'zod'
import { PHASES, type Phase, phaseRank } from '../phase.ts'

/*
 * flags.yaml: what every integration's flag shall ask for, as one file that can be reviewed. An integration takes the
 * first rule that selects it, whole, so that one line says where it is; what no rule selects is left alone.
 *
 *   ladders:
 *     - select: owner=team-cloud
 *       cohorts:
 *         dogfood: live                       # all of it
 *         pilot: { live: 10%, shadow: 60% }   # 10 % at live, 60 % at shadow or beyond, the rest off
 *       everybody: dualwrite
 */

const percentSchema = z
  .string()
  .regex(/^(?:100|[1-9]?[0-9])%$/, 'expected a whole percentage from 0% to 100%')
  .transform((text) => Number(text.slice(0, -1)))

const instantSchema = z.iso
  .datetime({ offset: true, error: 'expected an instant, for example 2027-01-31T08:00:00Z' })
  .transform((text) => new Date(text).toISOString())
  .describe('These steps hold from this instant on, at most 1 s late.')

const SHARES = Object.fromEntries(
  PHASES.map((phase) => [phase, percentSchema.optional().describe(`The share that is at ${phase} or beyond.`)]),
) as Record<Phase, z.ZodOptional<typeof percentSchema>>

type Shares = Readonly<Partial<Record<Phase, number | undefined>>>

/** The share at or beyond a phase can only grow from `complete` down to `off`. */
const mistakeOf = (shares: Shares): string | null => {
  const named = [...PHASES].reverse().filter((phase) => shares[phase] !== undefined)
  if (named.length === 0) return 'expected a phase with its share, for example { live: 10% }'
  for (const [index, phase] of named.entries()) {
    const above = named[index - 1]
    if (above !== undefined && (shares[phase] as number) < (shares[above] as number))
      return `${phase} is smaller than ${above}; the share of a phase includes those beyond it`
  }
  return named.includes('off') && shares.off !== 100 ? 'everybody has reached off: leave it out' : null
}

const isSound = (shares: Shares, context: z.RefinementCtx): void => {
  const message = mistakeOf(shares)
  if (message !== null) context.addIssue({ code: 'custom', message })
}

const phaseSchema = z.enum(PHASES).describe('All of them are at this phase.')
const sharesSchema = z.strictObject(SHARES).superRefine(isSound)
const stageSchema = z.strictObject({ from: instantSchema.optional(), ...SHARES }).superRefine(isSound)

const scheduleSchema = z
  .array(stageSchema)
  .min(1)
  .refine((stages) => stages.filter(({ from }) => from === undefined).length === 1, {
    message: 'expected exactly one entry without from: what holds before',
  })
  .refine((stages) => new Set(stages.map(({ from }) => from)).size === stages.length, {
    message: 'expected every from only once',
  })

/** A phase for all, shares of several phases, or such shares with the instant from which they hold. */
export const stepsSchema = z.union([phaseSchema, sharesSchema, scheduleSchema])

const ruleSchema = z.strictObject({
  select: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('An integration, a glob (aws-*), owner=TEAM, or * for all; or several of them.'),
  cohorts: z
    .record(z.string(), stepsSchema)
    .optional()
    .describe('Cohorts with steps of their own; all others are part of everybody.'),
  everybody: stepsSchema.prefault('off').describe('Who is in no cohort above.'),
})

export const flagsDocumentSchema = z.strictObject({
  version: z.literal(1).describe('Of this format.'),
  ladders: z.array(ruleSchema).min(1).describe('An integration takes the first one that selects it.'),
})

export type FlagsDocument = z.output<typeof flagsDocumentSchema>
export type FlagsRule = z.output<typeof ruleSchema>
export type WrittenSteps = z.output<typeof stepsSchema>
export type WrittenShares = z.output<typeof sharesSchema>

/** For editors. Draft 7, which the YAML language server reads. */
export const flagsJsonSchema = (): object => z.toJSONSchema(flagsDocumentSchema, { io: 'input', target: 'draft-7' })

/** By rank: the share at each phase or beyond. */
export const sharesByRank = (shares: Shares): readonly number[] =>
  PHASES.map((_phase, rank) =>
    Math.max(0, ...PHASES.filter((phase) => phaseRank(phase) >= rank).map((phase) => shares[phase] ?? 0)),
  )
