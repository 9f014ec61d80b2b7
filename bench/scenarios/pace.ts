import { capacityOf, type SampleLoad, stretchOf } from '../sample-load.ts'
import { type Bench, defineScenario } from '../scenario.ts'
import { rounded } from '../statistics.ts'
import { type PaceRound, paceFigures } from './pace-figures.ts'
import { COPIED, type PaceSystem, SERVED, startFilled, startMigration, startProxy, untilRun } from './pace-systems.ts'

/*
 * What a backfill costs the clients of the same process: an open loop at 40 % of what the system can do, before and during
 * the backfill of another integration on the same stores, in turns; and beside one that does not adapt, for comparison.
 */
const LOAD = 0.4
/** Of a hundred requests. */
const WRITES = 20
const ROUND_S = 60

/** Seconds that passes waited, by what for. */
const throttledBy = async (proxy: PaceSystem): Promise<ReadonlyMap<string, number>> => {
  const lines = await proxy.metrics('crossfade_migrator_throttled_seconds_total{')
  return new Map([...lines].map(([line, seconds]) => [/by="([^"]+)"/.exec(line)?.[1] ?? line, seconds]))
}

const since = (
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> =>
  Object.fromEntries([...now].map(([by, seconds]) => [by, Math.round((seconds - (before.get(by) ?? 0)) * 10) / 10]))

export const pace = defineScenario({
  name: 'pace',
  about: "Clients' latency before and during a backfill, whose pace adapts to it.",
  seconds: 180,
  systems: { stores: startFilled, proxy: startProxy },
  drive: async (systems, { seconds, note, signal }: Bench) => {
    const proxy = systems.proxy as PaceSystem
    await startMigration(proxy, SERVED, signal)
    await untilRun(proxy, SERVED, ({ outcome }) => outcome === 'done', signal)
    const requests: SampleLoad = { proxy, integration: SERVED, writes: WRITES }
    const capacity = await capacityOf(requests, signal)
    const perSecond = capacity * LOAD
    const count = Math.max(1, Math.min(COPIED.length / 2, Math.round(seconds / ROUND_S)))
    const ms = (seconds * 1000) / count / 3
    note(`${count} rounds of ${ms} ms, ${Math.round(perSecond)} requests a second`)
    const stretch = stretchOf(requests, { perSecond, ms })
    /** The stretch beside a backfill of an integration that nobody copied yet; at its end the rest is copied as fast as it goes. */
    const beside = async (integration: string, name: string, adaptive: boolean) => {
      await proxy.ops.call('setPace', { body: { selector: integration, adaptive } }, signal)
      await startMigration(proxy, integration, signal)
      await untilRun(proxy, integration, ({ stage }) => stage === 'backfill', signal)
      const start = performance.now()
      const arrivals = await stretch(name, signal)
      const { stage, done } = await untilRun(proxy, integration, () => true, signal)
      const perSecond = stage === 'backfill' ? (done * 1000) / (performance.now() - start) : null
      await proxy.ops.call('setPace', { body: { selector: integration, adaptive: false } }, signal)
      await untilRun(proxy, integration, ({ outcome }) => outcome === 'done', signal)
      return { arrivals, perSecond }
    }
    const rounds: PaceRound[] = []
    for (let n = 0; n < count; n++) {
      const [paced, unpaced] = COPIED.slice(2 * n) as [string, string]
      const before = await stretch(`round ${n}`, signal)
      const held = await throttledBy(proxy)
      const during = await beside(paced, `round ${n}`, true)
      const throttled = since(held, await throttledBy(proxy))
      const full = await beside(unpaced, `round ${n}`, false)
      rounds.push({ before, during: during.arrivals, unpaced: full.arrivals, perSecond: during.perSecond, throttled })
      note(JSON.stringify(paceFigures(rounds.slice(-1)).figures))
    }
    const { figures, missed } = paceFigures(rounds)
    const load = { capacity_per_s: rounded(capacity), per_s: rounded(perSecond), rounds: count, round_s: ms / 1000 }
    return { holds: missed.length === 0, figures: { ...figures, ...load, missed } }
  },
})
