import { once } from 'node:events'
import type { Address } from '../../../backends/secret.ts'
import type { Clock } from '../../../core/clock.ts'
import { isFault } from '../../../core/fault.ts'
import { makeRandom, type Random } from './random.ts'
import { type SampleOptions, sampleSecrets } from './secrets.ts'

/** The part of the clients' API that the load uses. */
export interface TrafficClient {
  get(address: Address, signal?: AbortSignal): Promise<unknown>
  put(
    address: Address,
    value: Uint8Array,
    options: { readonly contentType: string | null; readonly metadata: Readonly<Record<string, string>> },
    signal?: AbortSignal,
  ): Promise<unknown>
  remove(address: Address, options: Record<string, never>, signal?: AbortSignal): Promise<unknown>
}

export interface TrafficOptions {
  readonly client: TrafficClient
  readonly sample: SampleOptions
  /** Requests a second that are begun; fewer while `concurrency` are on their way. */
  readonly rate: number
  readonly concurrency: number
  readonly clock: Clock
}

/** What the load has done; `refused` by the code of the fault. */
export interface TrafficCounts {
  readonly reads: number
  readonly writes: number
  readonly deletes: number
  readonly refused: Readonly<Record<string, number>>
}

export interface Traffic {
  counts(): TrafficCounts
  /** Begins nothing more; resolves when what was on its way has been answered. */
  stop(): Promise<void>
}

type Kind = 'read' | 'write' | 'delete'

/** In a hundred requests: 88 reads, 10 writes, 2 deletes. */
const KINDS: readonly Kind[] = [
  ...Array<Kind>(88).fill('read'),
  ...Array<Kind>(10).fill('write'),
  ...Array<Kind>(2).fill('delete'),
]

/** Names that the load makes for itself: only those are deleted, so that the sample stays whole. */
const OWN_NAMES = 20

/**
 * A steady load over the sample: an open loop with a bounded rate and a bounded number on their way, so that a system
 * that slows is never buried. What fails is counted, and the load goes on.
 */
export const startTraffic = ({ client, sample, rate, concurrency, clock }: TrafficOptions): Traffic => {
  const random = makeRandom(`traffic of ${sample.seed}`)
  const secrets = [...sampleSecrets(sample)].map(({ integration, customer, name, value, contentType, metadata }) => ({
    address: { integration, customer, name },
    secret: { value, contentType, metadata },
  }))
  const stopping = new AbortController()
  const tally = { read: 0, write: 0, delete: 0, refused: {} as Record<string, number> }
  const onTheirWay = new Set<Promise<void>>()

  const send = async (): Promise<void> => {
    const kind = random.pick(KINDS)
    const { address, secret } = random.pick(secrets)
    const own = { ...address, name: `traffic/${random.below(OWN_NAMES)}` }
    try {
      if (kind === 'read') await client.get(address)
      // Half of the writes put a sample value back as it is: what a rotation that changed nothing does.
      else if (kind === 'write') await client.put(random.chance(50) ? address : own, secret.value, secret)
      else await client.remove(own, {})
      tally[kind] += 1
    } catch (error) {
      const code = isFault(error) ? error.code : 'unexpected'
      tally.refused[code] = (tally.refused[code] ?? 0) + 1
    }
  }
  const begin = (): void => {
    const sent = send().finally(() => onTheirWay.delete(sent))
    onTheirWay.add(sent)
  }
  const loop = pace({ rate, clock, signal: stopping.signal, random }, () => {
    if (onTheirWay.size < concurrency) begin()
  })

  return {
    counts: () => ({ reads: tally.read, writes: tally.write, deletes: tally.delete, refused: { ...tally.refused } }),
    stop: async () => {
      stopping.abort()
      await loop
      await Promise.all(onTheirWay)
    },
  }
}

interface Pace {
  readonly rate: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly random: Random
}

/** Calls `beat` `rate` times a second, at uneven intervals as clients would, until the signal is aborted. */
const pace = async ({ rate, clock, signal, random }: Pace, beat: () => void): Promise<void> => {
  const stopped = once(signal, 'abort')
  while (!signal.aborted) {
    beat()
    const wait = (1000 / rate) * (0.5 + random.below(1000) / 1000)
    await Promise.race([clock.sleep(wait, signal).catch(() => undefined), stopped])
  }
}
