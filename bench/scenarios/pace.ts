import { makeRandom, type Random } from '../../bin/embedded/sample/random.ts'
import { SAMPLE_DEFAULTS, sampleSecrets } from '../../bin/embedded/sample/secrets.ts'
import { pathOf } from '../../proxy/http/path.ts'
import { closedLoop, type Shot } from '../load.ts'
import { openLoop } from '../open-loop.ts'
import { type Bench, defineScenario, type System } from '../scenario.ts'
import { median, rounded } from '../statistics.ts'
import { type PaceRound, paceFigures } from './pace-figures.ts'
import { COPIED, type PaceSystem, SERVED, startFilled, startMigration, startProxy, untilRun } from './pace-systems.ts'

/*
 * What a backfill costs the clients of the same process: an open loop at 40 % of what the system can do, before and during
 * the backfill of another integration on the same stores, in turns; and beside one that does not adapt, for comparison.
 */
const CONNECTIONS = 16
const CAPACITY_SLICES = 3
const CAPACITY_MS = 2000
const LOAD = 0.4
/** Of a hundred requests. */
const WRITES = 20
const NAMES = 500
const ROUND_S = 60

const shots = ({ headers }: System, random: Random): (() => Shot) => {
  const sample = [...sampleSecrets(SAMPLE_DEFAULTS)]
    // Without the one of 64 KiB, which would be most of the bytes.
    .filter(({ integration, value }) => integration === SERVED && value.length < 4096)
    .map(({ customer, name }) => pathOf({ integration: SERVED, customer, name }))
  const written = (): string =>
    pathOf({ integration: SERVED, customer: 'bench', name: `written/${random.below(NAMES)}` })
  return () => {
    if (!random.chance(WRITES)) return { method: 'GET', path: random.pick(sample), headers, body: null }
    const body = Buffer.from(random.bytes(24).toString('base64url'))
    return { method: 'PUT', path: written(), headers: { ...headers, 'content-type': 'text/plain' }, body }
  }
}

const evenly = (random: Random) => (): number => random.below(1_000_000) / 1_000_000

const capacityOf = async (proxy: PaceSystem, signal: AbortSignal): Promise<number> => {
  const next = shots(proxy, makeRandom('capacity'))
  const perSecond: number[] = []
  for (let slice = 0; slice < CAPACITY_SLICES + 1; slice++) {
    signal.throwIfAborted()
    const { latenciesMs, seconds } = await closedLoop({
      url: proxy.url,
      connections: CONNECTIONS,
      ms: CAPACITY_MS,
      next,
    })
    // The first one only warms up.
    if (slice > 0) perSecond.push(latenciesMs.length / seconds)
  }
  return median(perSecond)
}

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
    const capacity = await capacityOf(proxy, signal)
    const perSecond = capacity * LOAD
    const count = Math.max(1, Math.min(COPIED.length / 2, Math.round(seconds / ROUND_S)))
    const ms = (seconds * 1000) / count / 3
    note(`${count} rounds of ${ms} ms, ${Math.round(perSecond)} requests a second`)
    const stretch = (name: string) => {
      const next = shots(proxy, makeRandom(name))
      return openLoop({ url: proxy.url, perSecond, ms, next, random: evenly(makeRandom(`gaps of ${name}`)), signal })
    }
    /** The stretch beside a backfill of an integration that nobody copied yet; at its end the rest is copied as fast as it goes. */
    const beside = async (integration: string, name: string, adaptive: boolean) => {
      await proxy.ops.call('setPace', { body: { selector: integration, adaptive } }, signal)
      await startMigration(proxy, integration, signal)
      await untilRun(proxy, integration, ({ stage }) => stage === 'backfill', signal)
      const start = performance.now()
      const arrivals = await stretch(name)
      const { stage, done } = await untilRun(proxy, integration, () => true, signal)
      const perSecond = stage === 'backfill' ? (done * 1000) / (performance.now() - start) : null
      await proxy.ops.call('setPace', { body: { selector: integration, adaptive: false } }, signal)
      await untilRun(proxy, integration, ({ outcome }) => outcome === 'done', signal)
      return { arrivals, perSecond }
    }
    const rounds: PaceRound[] = []
    for (let n = 0; n < count; n++) {
      const [paced, unpaced] = COPIED.slice(2 * n) as [string, string]
      const before = await stretch(`round ${n}`)
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
