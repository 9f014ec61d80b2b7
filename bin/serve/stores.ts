import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { makeFidelity, unheld, unnameable, unrepresentable } from '../../backends/fidelity.ts'
import type { StoreCallSeen } from '../../backends/guarded.ts'
import type { JudgeOptions } from '../../backends/judged.ts'
import type { BackendsMetrics } from '../../backends/metrics.ts'
import { openStore } from '../../backends/open.ts'
import type { Pair, Pairs } from '../../backends/pair.ts'
import type { Store } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'
import { integrationsOf } from '../config/integrations-of.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { serveFault } from './faults.ts'

export interface OpenStores {
  readonly pairs: Pairs
  /** All of them, each once, by name. */
  readonly all: ReadonlyMap<string, Store>
  /** Has each judged by its own check; at most a few seconds, never rejects. */
  judge(): Promise<void>
  close(): Promise<void>
}

export interface StoreWatch extends Pick<JudgeOptions, 'onVerdict'> {
  readonly onCall: (call: StoreCallSeen) => void
  /** Whether it is the store that was enrolled. */
  readonly admits: (store: string) => boolean | Promise<boolean>
}

const WORDS = {
  all: 'the store is not served: its own check found an error',
  writes: 'the store takes no writes: its own check found an error',
  nothing: 'the store cannot be checked now',
} as const

/** What the checks of the stores say, in the log. */
export const tellVerdicts =
  (log: Pick<Logger, 'warn' | 'info'> | undefined): JudgeOptions['onVerdict'] =>
  (store, { detail, stops }) => {
    if (detail === null) log?.info({ store }, 'the store fits what is configured')
    else log?.warn({ store, detail, stops }, WORDS[stops])
  }

/** Every store of the configuration, and the pair of each integration. Throws `shape-refused` where a side cannot hold a shape. */
export function openStores(
  config: CrossfadeConfig,
  clock: Clock,
  metrics: BackendsMetrics,
  { onCall = () => undefined, admits = () => true, onVerdict = () => undefined }: Partial<StoreWatch> = {},
): OpenStores {
  const all = new Map<string, Store>()
  for (const [name, section] of Object.entries(config.stores)) {
    const watch = { onCall, admits, onVerdict }
    const integrations = integrationsOf(config, name)
    all.set(name, openStore(section, { name, integrations, clock, metrics, random: randomBytes, ...watch }))
  }
  const pairs = new Map(Object.keys(config.integrations).map((name) => [name, pairOf(config, all, name)]))
  return {
    pairs: (integration) => {
      const pair = pairs.get(integration)
      if (pair === undefined) throw serveFault('not-configured', `integration ${integration}`)
      return pair
    },
    all,
    judge: async () => {
      await Promise.all([...all.values()].map((store) => store.judge?.()))
    },
    close: async () => {
      await Promise.all([...all.values()].map((store) => store.close()))
    },
  }
}

const PING_MS = 300

/** Its name if it does not answer, else null. */
export async function silent(store: Store, clock: Clock): Promise<string | null> {
  const outcome = await store.ping({ deadline: clock.monotonic() + PING_MS })
  return outcome.kind === 'ok' ? null : store.name
}

function pairOf(config: CrossfadeConfig, all: ReadonlyMap<string, Store>, integration: string): Pair {
  const section = config.integrations[integration] as CrossfadeConfig['integrations'][string]
  const stores = { legacy: all.get(section.legacy) as Store, new: all.get(section.new) as Store }
  const { fidelity, reasons } = makeFidelity(
    section.value,
    stores.legacy.capabilities,
    stores.new.capabilities,
    integration,
  )
  if (reasons.length > 0) throw serveFault('shape-refused', `integration ${integration}: ${reasons.join('; ')}`)
  return {
    stores,
    shape: section.value,
    unrepresentable: (address, secret) =>
      unnameable(stores, address) ?? unrepresentable(fidelity, secret) ?? unheld(stores, secret),
  }
}
