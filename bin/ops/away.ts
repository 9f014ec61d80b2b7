import type { Registry } from 'prom-client'
import type { Store } from '../../backends/store.ts'
import { samplesOf } from '../../proxy/ops/latencies.ts'

const OPEN = 'crossfade_store_breaker_open'

/** Of these stores, those whose breaker refuses calls, or has them pinged: as this process sees them. */
export async function storesAway(registry: Registry, names: ReadonlySet<string>): Promise<string[]> {
  const open = (await samplesOf(registry, OPEN)).filter(({ value }) => value > 0)
  return open.map(({ labels }) => String(labels['store'])).filter((store) => names.has(store))
}

/**
 * Of these stores, those whose own check found an error, with its sentence: as this process sees them. One that is known to be
 * silent cannot be checked, of course.
 */
export const storesUnfit = (
  all: ReadonlyMap<string, Store>,
  names: ReadonlySet<string>,
  silent: ReadonlySet<string>,
): Unfit[] =>
  [...names].sort().flatMap((store) => {
    const { detail = null, stops = 'nothing' } = all.get(store)?.verdict?.() ?? {}
    return detail === null || (stops === 'nothing' && silent.has(store)) ? [] : [{ store, detail, stops }]
  })

interface Unfit {
  readonly store: string
  readonly detail: string
  readonly stops: 'all' | 'writes' | 'nothing'
}
