import { setTimeout as delay } from 'node:timers/promises'
import type { Arrival } from '../open-loop.ts'
import { capacityOf, type SampleLoad, stretchOf } from '../sample-load.ts'
import { type Bench, defineScenario } from '../scenario.ts'
import { rounded } from '../statistics.ts'
import { isolationFigures, type Round } from './isolation-figures.ts'
import {
  BREAKER,
  INTEGRATION,
  type ProxySystem,
  type RelaySystem,
  startProxy,
  startRelayTo,
  startSampleStores,
  untilMended,
  untilPhase,
} from './isolation-systems.ts'

/*
 * What a hanging new store costs clients whose phase is legacy-first (I5). The new store is healthy, then accepts
 * connections and never answers, and so on in turns, under an open loop at half of what the system can do. Between two
 * turns the load pauses until the breaker is closed and all debts are settled, so that no turn pays for the one before.
 */

/** Of a hundred requests. */
const WRITES = 20
const LEAST_ROUNDS = 3
const ROUND_S = 10
const LOOK_MS = 25

/** Resolves with the instant at which the breaker was seen open, or null if the stretch is over. */
const untilOpen = async (proxy: ProxySystem, over: AbortSignal): Promise<number | null> => {
  while (!over.aborted) {
    if (((await proxy.metric(BREAKER)) ?? 0) > 0) return performance.now()
    await delay(LOOK_MS)
  }
  return null
}

const hang = async (proxy: ProxySystem, relay: RelaySystem, stretch: () => Promise<readonly Arrival[]>) => {
  const over = new AbortController()
  await tell(relay, 'hang')
  const hung = performance.now()
  try {
    const opening = untilOpen(proxy, over.signal)
    const hanging = await stretch()
    over.abort()
    return { hanging, hung, opened: await opening }
  } finally {
    over.abort()
    await tell(relay, 'pass')
  }
}

const tell = async ({ url }: RelaySystem, mode: 'hang' | 'pass'): Promise<void> => {
  const { ok } = await fetch(`${url}/${mode}`, { method: 'POST' })
  if (!ok) throw new Error(`the relay does not know ${mode}`)
}

export const isolation = defineScenario({
  name: 'isolation',
  about: 'Legacy-first clients while the new store accepts connections and never answers, beside it healthy.',
  seconds: 60,
  systems: { stores: startSampleStores, relay: startRelayTo, proxy: startProxy },
  drive: async (systems, { seconds, note, signal }: Bench) => {
    const relay = systems.relay as RelaySystem
    const proxy = systems.proxy as ProxySystem
    await untilPhase(proxy, signal)
    const requests: SampleLoad = { proxy, integration: INTEGRATION, writes: WRITES }
    const capacity = await capacityOf(requests, signal)
    const perSecond = capacity / 2
    const count = Math.max(LEAST_ROUNDS, Math.round(seconds / ROUND_S))
    const ms = (seconds * 1000) / count
    note(`${count} rounds of ${ms} ms healthy, then hanging, ${Math.round(perSecond)} requests a second`)
    // Both stretches of a round ask for the same in the same order.
    const stretch = stretchOf(requests, { perSecond, ms })
    const rounds: Round[] = []
    for (let n = 0; n < count; n++) {
      await untilMended(proxy, signal)
      const healthy = await stretch(`round ${n}`, signal)
      rounds.push({ healthy, ...(await hang(proxy, relay, () => stretch(`round ${n}`, signal))) })
      note(JSON.stringify(isolationFigures(rounds.slice(-1), proxy.deadline).figures))
    }
    const { figures, missed } = isolationFigures(rounds, proxy.deadline)
    const load = { capacity_per_s: rounded(capacity), per_s: rounded(perSecond), rounds: count, round_s: ms / 1000 }
    return { holds: missed.length === 0, figures: { ...figures, ...load, missed } }
  },
})
