import { makeFidelity } from '../../backends/fidelity.ts'
import type { Store } from '../../backends/store.ts'
import type { CheckResult } from './check.ts'
import { tryToMake } from './make-store.ts'
import type { CrossfadeConfig } from './schema.ts'

/** What both sides of each integration can hold: a shape that one side cannot hold is refused, a limit is shown. */
export async function shapeChecks(config: CrossfadeConfig): Promise<readonly CheckResult[]> {
  const stores = new Map<string, Store>()
  for (const [name, section] of Object.entries(config.stores)) {
    const { store } = tryToMake(name, section)
    // The checks of files report why.
    if (store !== null) stores.set(name, store)
  }
  try {
    return Object.entries(config.integrations).flatMap(([name, { legacy, new: fresh, value }]) => {
      const sides = [stores.get(legacy), stores.get(fresh)] as const
      if (!sides[0] || !sides[1]) return []
      const { fidelity, reasons } = makeFidelity(value, sides[0].capabilities, sides[1].capabilities, name)
      const subject = `integrations.${name}`
      const limits = fidelity.limits.length > 0 ? `limits: ${fidelity.limits.join('; ')}` : 'both sides hold everything'
      if (reasons.length === 0) return [{ level: 'ok', subject, message: limits }]
      return reasons.map((message): CheckResult => ({ level: 'problem', subject, message }))
    })
  } finally {
    for (const store of stores.values()) await store.close()
  }
}
