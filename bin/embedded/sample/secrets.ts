import { SAMPLE_INTEGRATIONS, type SampleIntegration } from './integrations.ts'
import { makeRandom, type Random } from './random.ts'
import { KINDS, type KindName, LARGEST, type SampleValue } from './values.ts'

/** What to make. The same options give the same secrets, byte for byte. */
export interface SampleOptions {
  readonly seed: string
  readonly integrations: readonly SampleIntegration[]
  /** Customers in all, `OWN_COMPANY` among them. */
  readonly customers: number
  readonly secrets: number
}

export interface SampleSecret extends SampleValue {
  readonly integration: string
  readonly customer: string
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}

/** The customer that the people who run Crossfade are themselves: the cohort `dogfood`. */
export const OWN_COMPANY = 'our-own-company'

export const SAMPLE_DEFAULTS: SampleOptions = {
  seed: 'crossfade',
  integrations: SAMPLE_INTEGRATIONS,
  customers: 400,
  secrets: 4200,
}

const REGIONS = ['eu', 'us', 'ap'] as const
const FIRST = [
  'amber',
  'bright',
  'calm',
  'dry',
  'early',
  'fair',
  'green',
  'high',
  'iron',
  'keen',
  'low',
  'north',
] as const
const SECOND = ['bakery', 'bank', 'books', 'clinic', 'farm', 'foundry', 'games', 'labs', 'media', 'travel'] as const

/** The customers' names: ours, then `eu-amber-bakery` and so on, each once. */
export const sampleCustomers = (count: number): readonly string[] => {
  const combine = (n: number): string => {
    const region = REGIONS[n % REGIONS.length]
    const first = FIRST[Math.floor(n / REGIONS.length) % FIRST.length]
    const second = SECOND[Math.floor(n / (REGIONS.length * FIRST.length)) % SECOND.length]
    const round = Math.floor(n / (REGIONS.length * FIRST.length * SECOND.length))
    return round === 0 ? `${region}-${first}-${second}` : `${region}-${first}-${second}-${round + 1}`
  }
  return [OWN_COMPANY, ...Array.from({ length: Math.max(0, count - 1) }, (_, n) => combine(n))]
}

/** Yields `options.secrets` secrets of different addresses; the first is the one of 64 KiB. */
export function* sampleSecrets(options: SampleOptions): Generator<SampleSecret> {
  const random = makeRandom(options.seed)
  const customers = sampleCustomers(options.customers)
  const lots = options.integrations.flatMap((integration) =>
    Array.from({ length: integration.weight }, () => integration),
  )
  const taken = new Set<string>()
  for (let n = 0; n < options.secrets; n++) {
    // Round the integrations first, so that a small sample has each of them; then by weight.
    const integration = options.integrations[n] ?? random.pick(lots)
    // Every customer has one; ours has many, since it goes first in every rollout.
    const customer = customers[n] ?? (random.chance(5) ? OWN_COMPANY : random.pick(customers))
    const kind = n === 0 ? 'binary' : pickKind(random, integration)
    const made = n === 0 ? { value: random.bytes(LARGEST), contentType: null } : KINDS[kind].make(random)
    const name = freeName(taken, integration.name, customer, random.pick<string>(KINDS[kind].names))
    yield { integration: integration.name, customer, name, ...made, metadata: metadata(random) }
  }
}

const pickKind = (random: Random, integration: SampleIntegration): KindName => {
  const lots = LOTS[integration.shape]
  return random.pick(lots)
}

const names = Object.keys(KINDS) as readonly KindName[]
const lotsOf = (kinds: readonly KindName[]): readonly KindName[] =>
  kinds.flatMap((kind) => Array.from({ length: KINDS[kind].weight }, () => kind))

const LOTS = { bytes: lotsOf(names), json: lotsOf(names.filter((kind) => KINDS[kind].shape === 'json')) } as const

const freeName = (taken: Set<string>, integration: string, customer: string, wanted: string): string => {
  let name = wanted
  for (let n = 2; taken.has(`${integration}\0${customer}\0${name}`); n++) name = `${wanted} ${n}`
  taken.add(`${integration}\0${customer}\0${name}`)
  return name
}

const metadata = (random: Random): Record<string, string> => {
  if (random.chance(40)) return {}
  const environment = random.pick(['production', 'staging', 'development'])
  return random.chance(50)
    ? { environment }
    : { environment, 'rotated-by': `bot-${random.below(20)}`, ticket: `SEC-${random.below(9000)}` }
}
