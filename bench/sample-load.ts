import { makeRandom, type Random } from '../bin/embedded/sample/random.ts'
import { SAMPLE_DEFAULTS, sampleSecrets } from '../bin/embedded/sample/secrets.ts'
import { pathOf } from '../proxy/http/path.ts'
import { closedLoop, type Shot } from './load.ts'
import { type Arrival, openLoop } from './open-loop.ts'
import type { System } from './scenario.ts'
import { median, quantile } from './statistics.ts'

const CONNECTIONS = 16
const CAPACITY_SLICES = 3
const CAPACITY_MS = 2000
const NAMES = 500

export interface SampleLoad {
  readonly proxy: Pick<System, 'url' | 'headers'>
  /** Of the sample that the embedded system seeds. */
  readonly integration: string
  /** Of a hundred requests. */
  readonly writes: number
}

/** Reads of sample secrets, and writes of small new ones. */
function shots({ proxy: { headers }, integration, writes }: SampleLoad, random: Random): () => Shot {
  const sample = [...sampleSecrets(SAMPLE_DEFAULTS)]
    // Without the one of 64 KiB, which would be most of the bytes.
    .filter((secret) => secret.integration === integration && secret.value.length < 4096)
    .map(({ customer, name }) => pathOf({ integration, customer, name }))
  const written = (): string => pathOf({ integration, customer: 'bench', name: `written/${random.below(NAMES)}` })
  return () => {
    if (!random.chance(writes)) return { method: 'GET', path: random.pick(sample), headers, body: null }
    const body = Buffer.from(random.bytes(24).toString('base64url'))
    return { method: 'PUT', path: written(), headers: { ...headers, 'content-type': 'text/plain' }, body }
  }
}

/** Requests a second that a closed loop of 16 connections gets answered. */
export async function capacityOf(load: SampleLoad, signal: AbortSignal): Promise<number> {
  const next = shots(load, makeRandom('capacity'))
  const perSecond: number[] = []
  for (let slice = 0; slice < CAPACITY_SLICES + 1; slice++) {
    signal.throwIfAborted()
    const { url } = load.proxy
    const { latenciesMs, seconds } = await closedLoop({ url, connections: CONNECTIONS, ms: CAPACITY_MS, next })
    // The first one only warms up.
    if (slice > 0) perSecond.push(latenciesMs.length / seconds)
  }
  return median(perSecond)
}

/** An open loop of so many requests a second; stretches of one name ask for the same in the same order. */
export function stretchOf(load: SampleLoad, { perSecond, ms }: { readonly perSecond: number; readonly ms: number }) {
  return (name: string, signal: AbortSignal): Promise<readonly Arrival[]> => {
    const gaps = makeRandom(`gaps of ${name}`)
    const random = (): number => gaps.below(1_000_000) / 1_000_000
    return openLoop({ url: load.proxy.url, perSecond, ms, next: shots(load, makeRandom(name)), random, signal })
  }
}

export const isRead = ({ method }: Arrival): boolean => method === 'GET'
export const isWrite = (arrival: Arrival): boolean => !isRead(arrival)

/** ms within which `share` of them were answered. */
export const latencyOf = (arrivals: readonly Arrival[], share: number): number =>
  quantile(
    arrivals.map(({ due, answered }) => answered - due),
    share,
  )
