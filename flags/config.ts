import { z } from 'zod'
import { durationSchema, ratioSchema } from '../core/units.ts'
import { withoutSecret } from '../core/url-secrets.ts'

const maxMoves = ratioSchema
  .optional()
  .describe(
    'One answer that moves more than this share of the integrations is held; one alone may always move. Of a file none is held, unless this is given.',
  )

const environment = z.string().min(1).describe('An answer that names another environment is refused.')

const fileSourceSchema = z.strictObject({
  source: z.literal('file'),
  path: z.string().min(1).describe('A file in the client-features format of Unleash; watched.'),
  environment: environment.optional(),
  poll: durationSchema.prefault('500ms').describe('How often to look at the file where watching it is silent.'),
  max_moves: maxMoves,
})

const adminSchema = z
  .strictObject({
    token_file: z
      .string()
      .min(1)
      .describe("An admin token, for flags set over the operators' API; flags apply takes a personal one, too."),
    project: z.string().min(1).prefault('default').describe('Of Unleash; the flags are made in it.'),
    url: withoutSecret(z.url({ protocol: /^https?$/ }))
      .optional()
      .describe('The API of the server itself, where flags.url is that of an Edge.'),
  })
  .describe('Where Crossfade may change flags; without it they are changed on the server only.')

const unleashSourceSchema = z.strictObject({
  source: z.literal('unleash'),
  url: withoutSecret(z.url({ protocol: /^https?$/ })).describe(
    'The API of the server, for example https://unleash:4242/api',
  ),
  token_file: z.string().min(1),
  environment,
  refresh: durationSchema.prefault('1s'),
  stale_after: durationSchema
    .prefault('30s')
    .describe('Without contact for longer, the last known phases stand and say so.'),
  max_moves: maxMoves.prefault('20%'),
  admin: adminSchema.optional(),
})

/** The section `flags`. */
export const flagsConfigSchema = z.discriminatedUnion('source', [fileSourceSchema, unleashSourceSchema])
export type FlagsConfig = z.output<typeof flagsConfigSchema>
export type UnleashSourceConfig = z.output<typeof unleashSourceSchema>

const MEMBERS = ['customers', 'customers_file', 'pattern', 'rest'] as const

const cohortSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes'),
    customers: z.array(z.string().min(1)).optional(),
    customers_file: z.string().min(1).optional().describe('A customer a line; # begins a comment.'),
    pattern: z.string().min(1).optional().describe('* stands for any characters.'),
    rest: z.literal(true).optional(),
  })
  .refine((cohort) => MEMBERS.filter((key) => cohort[key] !== undefined).length === 1, {
    message: `expected exactly one of ${MEMBERS.join(', ')}`,
  })

/** The section `cohorts`: the first match wins, and the last one takes the rest. */
export const cohortsConfigSchema = z
  .array(cohortSchema)
  .min(1)
  .max(50)
  .refine((cohorts) => cohorts.findIndex(({ rest }) => rest) === cohorts.length - 1, {
    message: 'expected the last cohort, and no other, to have rest: true',
  })
  .refine((cohorts) => new Set(cohorts.map(({ name }) => name)).size === cohorts.length, {
    message: 'expected every cohort to have a name of its own',
  })
  .prefault([{ name: 'general', rest: true }])
export type CohortConfig = z.output<typeof cohortSchema>
