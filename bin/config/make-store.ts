import { randomBytes } from 'node:crypto'
import { Registry } from 'prom-client'
import type { StoreConfig } from '../../backends/config.ts'
import type { StoreDeps } from '../../backends/deps.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { STORE_KINDS } from '../../backends/registry.ts'
import type { Store } from '../../backends/store.ts'
import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'

type Made = { readonly store: Store; readonly reason: null } | { readonly store: null; readonly reason: string }

/** The store of one section, for a check. Connects to nothing; null if one of its files cannot be used. */
export function tryToMake(name: string, section: StoreConfig, integrations: readonly string[] = []): Made {
  const { make } = STORE_KINDS[section.kind] as { make: (config: StoreConfig, deps: StoreDeps) => Store }
  try {
    const metrics = makeBackendsMetrics(new Registry())
    return {
      store: make(section, { name, integrations, clock: systemClock, random: randomBytes, metrics }),
      reason: null,
    }
  } catch (error) {
    if (isFault(error)) return { store: null, reason: error.detail }
    throw error
  }
}
