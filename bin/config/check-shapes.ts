import { randomBytes } from 'node:crypto'
import { Registry } from 'prom-client'
import type { StoreConfig } from '../../backends/config.ts'
import type { StoreDeps } from '../../backends/deps.ts'
import { makeFidelity } from '../../backends/fidelity.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import { STORE_KINDS } from '../../backends/registry.ts'
import type { Store } from '../../backends/store.ts'
import { systemClock } from '../../core/clock.ts'
import { isFault } from '../../core/fault.ts'
import type { CheckResult } from './check.ts'
import type { CrossfadeConfig } from './schema.ts'

/** What both sides of each integration can hold: a shape that one side cannot hold is refused, a limit is shown. */
export async function shapeChecks(config: CrossfadeConfig): Promise<readonly CheckResult[]> {
  const stores = new Map<string, Store>()
  for (const [name, section] of Object.entries(config.stores)) {
    const store = tryToMake(name, section)
    if (store !== null) stores.set(name, store)
  }
  try {
    return Object.entries(config.integrations).flatMap(([name, { legacy, new: fresh, value }]) => {
      const sides = [stores.get(legacy), stores.get(fresh)] as const
      if (!sides[0] || !sides[1]) return []
      const { fidelity, reasons } = makeFidelity(value, sides[0].capabilities, sides[1].capabilities)
      const subject = `integrations.${name}`
      const limits = fidelity.limits.length > 0 ? `limits: ${fidelity.limits.join('; ')}` : 'both sides hold everything'
      if (reasons.length === 0) return [{ level: 'ok', subject, message: limits }]
      return reasons.map((message): CheckResult => ({ level: 'problem', subject, message }))
    })
  } finally {
    for (const store of stores.values()) await store.close()
  }
}

/** Connects to nothing. Null if one of its files cannot be used, which the checks of files report. */
function tryToMake(name: string, section: StoreConfig): Store | null {
  const { make } = STORE_KINDS[section.kind] as { make: (config: StoreConfig, deps: StoreDeps) => Store }
  try {
    const metrics = makeBackendsMetrics(new Registry())
    return make(section, { name, clock: systemClock, random: randomBytes, metrics })
  } catch (error) {
    if (isFault(error)) return null
    throw error
  }
}
