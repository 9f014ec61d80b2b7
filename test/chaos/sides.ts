import { Registry } from 'prom-client'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { type Address, DEFAULT_CONTENT_TYPE } from '../../backends/secret.ts'
import type { GetOutcome } from '../../backends/store.ts'
import { loadConfig } from '../../bin/config/load.ts'
import { openStores } from '../../bin/serve/stores.ts'
import type { Clock } from '../../core/clock.ts'
import { placeOf, SECRETS } from './secrets.ts'

/** A secret of which the two stores do not hold the same. */
export interface Difference {
  readonly secret: string
  readonly legacy: string
  readonly new: string
}

const AT_ONCE = 8
const DEADLINE_MS = 5000

/** Reads every secret straight from both stores, behind the proxies' back. */
export async function compareSides(config: string, clock: Clock): Promise<readonly Difference[]> {
  const stores = openStores(loadConfig(config, process.env), clock, makeBackendsMetrics(new Registry()))
  const differences: Difference[] = []
  const waiting = [...SECRETS]
  const compare = async (address: Address): Promise<void> => {
    const pair = stores.pairs(address.integration).stores
    const call = { deadline: clock.monotonic() + DEADLINE_MS }
    const [legacy, fresh] = await Promise.all([pair.legacy.get(address, call), pair.new.get(address, call)])
    const held = { legacy: describe(legacy), new: describe(fresh) }
    if (held.legacy !== held.new) differences.push({ secret: placeOf(address), ...held })
  }
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await compare(next)
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    return differences
  } finally {
    await stores.close()
  }
}

/** The values of a chaos run are no secrets. */
function describe(outcome: GetOutcome): string {
  if (outcome.kind === 'absent') return 'nothing'
  if (outcome.kind !== 'found') return `${outcome.kind}: ${outcome.reason}`
  const { value, contentType, metadata } = outcome.secret
  return JSON.stringify([Buffer.from(value.open()).toString('utf8'), contentType ?? DEFAULT_CONTENT_TYPE, metadata])
}
