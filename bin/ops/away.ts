import type { Registry } from 'prom-client'
import { samplesOf } from '../../proxy/ops/latencies.ts'

const OPEN = 'crossfade_store_breaker_open'

/** Of these stores, those whose breaker refuses calls, or has them pinged: as this process sees them. */
export async function storesAway(registry: Registry, names: ReadonlySet<string>): Promise<string[]> {
  const open = (await samplesOf(registry, OPEN)).filter(({ value }) => value > 0)
  return open.map(({ labels }) => String(labels['store'])).filter((store) => names.has(store))
}
