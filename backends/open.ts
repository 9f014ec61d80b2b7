import type { StoreConfig } from './config.ts'
import type { StoreDeps } from './deps.ts'
import { type GuardDeps, guardStore } from './guarded.ts'
import { type JudgeOptions, judgeStore } from './judged.ts'
import { STORE_KINDS } from './registry.ts'
import type { Store } from './store.ts'

/** One store of the configuration, judged, with the guard around it. Connects to nothing; throws a `Fault` if a file cannot be used. */
export function openStore(config: StoreConfig, deps: StoreDeps & GuardDeps & Partial<JudgeOptions>): Store {
  // The union of sections and the table of kinds have the same keys; the compiler cannot follow one into the other.
  const { make } = STORE_KINDS[config.kind] as { make: (config: StoreConfig, deps: StoreDeps) => Store }
  const { deadline, breaker, concurrency } = config
  const judged = judgeStore(make(config, deps), { clock: deps.clock, onVerdict: deps.onVerdict ?? (() => undefined) })
  return guardStore(judged, { deadline, breaker, concurrency }, deps)
}
