import type { Shape } from '../../backends/digest.ts'
import type { Address } from '../../backends/secret.ts'
import { SAMPLE_INTEGRATIONS } from '../../bin/embedded/sample/integrations.ts'
import type { Random } from '../../bin/embedded/sample/random.ts'
import { KINDS } from '../../bin/embedded/sample/values.ts'
import type { Stored } from './content.ts'

/** Where the clients read and write. */
export interface Targets {
  /** Sample secrets that no client ever writes: their ETags span the whole story. */
  readonly kept: readonly Address[]
  toRead(random: Random): Address
  toWrite(random: Random): Address
  /** One that is there, as far as anybody knows. */
  toDelete(random: Random): Address
}

/** One of so many sample secrets is kept. */
const KEPT_EVERY = 4
/** Secrets that the clients fight over, so that writes overlap. */
const HOT = 12
/** Names that the clients make beside those of the sample, for each of its customers. */
const OWN_NAMES = 3
/** The last so many that were written are read more often than others: there mistakes would show. */
const RECENT = 200
const TRIES = 50

export function makeTargets(sample: readonly Address[], isPresent: (address: Address) => boolean): Targets {
  const kept = sample.filter((_, index) => index % KEPT_EVERY === 0)
  const open = sample.filter((_, index) => index % KEPT_EVERY !== 0)
  const hot = open.slice(0, HOT)
  const recent: Address[] = []

  const remember = (address: Address): Address => {
    recent.push(address)
    if (recent.length > RECENT) recent.shift()
    return address
  }
  const pick = (random: Random): Address => {
    if (random.chance(20)) return random.pick(hot)
    const address = random.pick(open)
    return random.chance(20) ? { ...address, name: `story/${random.below(OWN_NAMES)}` } : address
  }
  return {
    kept,
    toRead: (random) => {
      if (random.chance(25)) return random.pick(kept)
      return recent.length > 0 && random.chance(70) ? random.pick(recent) : pick(random)
    },
    toWrite: (random) => remember(pick(random)),
    toDelete: (random) => {
      let address = pick(random)
      for (let n = 0; n < TRIES && !isPresent(address); n++) address = pick(random)
      return remember(address)
    },
  }
}

const SHAPES: ReadonlyMap<string, Shape> = new Map(SAMPLE_INTEGRATIONS.map(({ name, shape }) => [name, shape]))
const ALL = Object.values(KINDS)
const FITTING = { bytes: ALL, json: ALL.filter(({ shape }) => shape === 'json') } as const

/** A new value of a kind that the integration takes; the metadata make it unlike any other write's. */
export function makeValue({ integration }: Address, random: Random): Stored {
  const kind = random.pick(FITTING[SHAPES.get(integration) ?? 'bytes'])
  return { ...kind.make(random), metadata: { write: random.bytes(9).toString('base64url'), note: 'größer, 100 %' } }
}
