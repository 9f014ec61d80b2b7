import type { Address } from '../../backends/secret.ts'
import type { Random } from '../../bin/embedded/sample/random.ts'

/** Two integrations, so that flags of one cohort differ between them. */
export const INTEGRATIONS = ['aws', 'github'] as const

export const COHORTS = [
  { name: 'dogfood', customers: ['our-own-company'] },
  { name: 'pilot', pattern: 'eu-*' },
  { name: 'general', rest: true },
] as const

const CUSTOMERS = [
  'our-own-company',
  ...['eu-ada', 'eu-bea', 'eu-cyd'],
  ...['us-dan', 'us-eve', 'us-fay', 'us-gus'],
] as const
const NAMES = 15
/** Of ten secrets, so many are in the legacy store before the run. */
const SEEDED = 8

/** Every secret of a run, a few hundred. */
export const SECRETS: readonly Address[] = INTEGRATIONS.flatMap((integration) =>
  CUSTOMERS.flatMap((customer) =>
    Array.from({ length: NAMES }, (_, n) => ({ integration, customer, name: `keys/${n}` })),
  ),
)

export const SEEDS: readonly Address[] = SECRETS.filter((_, index) => index % 10 < SEEDED)

const PADDING = 'abcdefghijklmnopqrstuvwxyz'

/** A value that no other write has: its identity, then padding of any length. */
export const makeValue = (id: string, random: Random): string => `${id} ${random.text(PADDING, random.below(400))}`

/** The identity of a value, which the history knows it by. */
export const identityOf = (value: Uint8Array): string => Buffer.from(value).toString('utf8').split(' ', 1)[0] as string

/** A secret by its address, for the history and for people. */
export const placeOf = ({ integration, customer, name }: Address): string => `${integration}/${customer}/${name}`

export const seedIdentity = (address: Address): string => `seed:${placeOf(address)}`
