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
 * the backfill of another integration on the same stores, in turns.
 */
const CONNECTIONS = 16
const CAPACITY_SLICES = 3
const CAPACITY_MS = 2000
const LOAD = 0.4
/** Of a hundred requests. */
const WRITES = 20
const NAMES = 500
const ROUND_S = 40

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

export const pace = defineScenario({
  name: 'pace',
  about: "Clients' latency before and during a backfill, whose pace adapts to it.",
  seconds: 160,
  systems: { stores: startFilled, proxy: startProxy },
  drive: async (systems, { seconds, note, signal }: Bench) => {
    const proxy = systems.proxy as PaceSystem
    await startMigration(proxy, SERVED, signal)
    await untilRun(proxy, SERVED, ({ outcome }) => outcome === 'done', signal)
    const capacity = await capacityOf(proxy, signal)
    const perSecond = capacity * LOAD
    const count = Math.max(1, Math.min(COPIED.length, Math.round(seconds / ROUND_S)))
    const ms = (seconds * 1000) / count / 2
    note(`${count} rounds of ${ms} ms, ${Math.round(perSecond)} requests a second`)
    const stretch = (name: string) => {
      const next = shots(proxy, makeRandom(name))
      return openLoop({ url: proxy.url, perSecond, ms, next, random: evenly(makeRandom(`gaps of ${name}`)), signal })
    }
    const rounds: PaceRound[] = []
    for (let n = 0; n < count; n++) {
      const integration = COPIED[n] as string
      const before = await stretch(`round ${n}`)
      await startMigration(proxy, integration, signal)
      await untilRun(proxy, integration, ({ stage }) => stage === 'backfill', signal)
      const start = performance.now()
      const during = await stretch(`round ${n}`)
      const run = await untilRun(proxy, integration, () => true, signal)
      rounds.push({
        before,
        during,
        copied: run.stage === 'backfill' ? run.done : Number.NaN,
        copiedMs: performance.now() - start,
      })
      note(JSON.stringify(paceFigures(rounds.slice(-1)).figures))
      await untilRun(proxy, integration, ({ outcome }) => outcome === 'done', signal)
    }
    const { figures, missed } = paceFigures(rounds)
    const load = { capacity_per_s: rounded(capacity), per_s: rounded(perSecond), rounds: count, round_s: ms / 1000 }
    return { holds: missed.length === 0, figures: { ...figures, ...load, missed } }
  },
})
