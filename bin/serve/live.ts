import { type Live, makeLive } from '../../proxy/ops/live.ts'
import type { OpsPorts } from '../../proxy/ops/ports.ts'
import { makeRates } from '../../proxy/ops/rates.ts'
import { sideOf } from '../ops/status.ts'
import type { Engine } from './engine.ts'

/** What the live page is told; figures over time are taken until `signal`, also while nobody looks. */
export function openLive(engine: Engine, ports: OpsPorts, signal: AbortSignal): Live {
  const { clock } = engine
  const rates = makeRates({ registry: engine.metrics.registry, clock, sideOf: (store) => sideOf(engine, store) })
  void rates.run(signal)
  return makeLive({ ports, rates, clock })
}
