import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { readToken } from '../../bin/cli/token.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { makeRandom } from '../../bin/embedded/sample/random.ts'
import { SAMPLE_DEFAULTS, sampleSecrets } from '../../bin/embedded/sample/secrets.ts'
import { pathOf } from '../../proxy/http/path.ts'
import { dataFolder } from '../crossfade.ts'
import type { Shot } from '../load.ts'
import { type Arrival, openLoop } from '../open-loop.ts'
import { startNode } from '../process.ts'
import { type Bench, defineScenario, type System } from '../scenario.ts'
import { median, quantile, rounded } from '../statistics.ts'
import { startStoresWith } from './ledger-stores.ts'

const SERVER = fileURLToPath(new URL('./scrape-server.ts', import.meta.url))
const INTEGRATION = 'aws'
const INTEGRATIONS = 350
/** What is demanded of a scrape, and what it may add to the p99 of requests. */
const MOST = { bytes: 3_000_000, series: 60, addedMs: 5 } as const
const PER_SECOND = 150
const SLICE_MS = 4000
/** Fifteen times as often as Prometheus usually does. */
const EVERY_MS = 1000

interface Scraped extends System {
  readonly operators: string
}

const startScraped = async (bench: Bench, started: ReadonlyMap<string, System>): Promise<Scraped> => {
  const config = parse(readFileSync((started.get('stores') as System).url, 'utf8'))
  const own = Object.keys(config.integrations).length - 1
  for (let at = own; at < INTEGRATIONS; at += 1) config.integrations[`integration-${at}`] = { owner: 'team' }
  config.cohorts = [{ name: 'asia', pattern: 'ap-*' }, ...config.cohorts]
  config.listen = { clients: { address: '127.0.0.1:0' }, operators: { address: '127.0.0.1:0' } }
  config.migrator = { settler: { sample: '1h' } }
  const file = join(bench.folder, 'scrape.yaml')
  writeFileSync(file, stringify(config), { mode: 0o600 })
  const { ready, stop } = await startNode({
    argv: [SERVER, file],
    ready: (line) => (line.startsWith('{') ? (JSON.parse(line) as { url: string; operators: string }) : null),
    signal: bench.signal,
  })
  const token = readToken(dataPaths(dataFolder(bench)).tokenFiles.client)
  return { ...ready, headers: { authorization: `Bearer ${token}` }, stop }
}

/** Scrapes until aborted; what each took, and the last page. */
async function scrapeUntil({ operators }: Scraped, signal: AbortSignal) {
  const ms: number[] = []
  let page = ''
  while (!signal.aborted) {
    const start = performance.now()
    page = await (await fetch(`${operators}/metrics`)).text()
    ms.push(performance.now() - start)
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
  return { ms, page }
}

const latencies = (arrivals: readonly Arrival[]): readonly number[] =>
  arrivals.filter(({ ok }) => ok).map(({ due, answered }) => answered - due)

export const scrape = defineScenario({
  name: 'scrape',
  about: `Reads beside scrapes of the metrics of ${INTEGRATIONS} integrations and 4 cohorts, with every series that they can have.`,
  seconds: 48,
  systems: { stores: (bench: Bench) => startStoresWith(bench, SAMPLE_DEFAULTS.secrets), proxy: startScraped },
  drive: async ({ proxy }, { seconds, note, signal }) => {
    const scraped = proxy as Scraped
    const random = makeRandom('scrape')
    const paths = [...sampleSecrets(SAMPLE_DEFAULTS)]
      .filter(({ integration, value }) => integration === INTEGRATION && value.length < 4096)
      .map(({ customer, name }) => pathOf({ integration: INTEGRATION, customer, name }))
    const next = (): Shot => ({ method: 'GET', path: random.pick(paths), headers: proxy.headers, body: null })
    const load = () =>
      openLoop({
        url: proxy.url,
        perSecond: PER_SECOND,
        ms: SLICE_MS,
        next,
        random: () => random.below(1_000_000) / 1_000_000,
        signal,
      })
    const quiet: Arrival[][] = []
    const busy: Arrival[][] = []
    const scrapes: Awaited<ReturnType<typeof scrapeUntil>>[] = []
    await load()
    for (let round = 0; round < Math.max(2, Math.floor((seconds * 1000) / (2 * SLICE_MS))); round += 1) {
      note(`round ${round + 1}: ${SLICE_MS} ms without scrapes, ${SLICE_MS} ms with`)
      quiet.push([...(await load())])
      const ended = new AbortController()
      const scraping = scrapeUntil(scraped, AbortSignal.any([ended.signal, signal]))
      busy.push([...(await load())])
      ended.abort()
      scrapes.push(await scraping)
    }
    const p99 = (slices: readonly Arrival[][]): number =>
      median(slices.map((arrivals) => quantile(latencies(arrivals), 0.99)))
    const added = median(
      busy.map((arrivals, at) => quantile(latencies(arrivals), 0.99) - quantile(latencies(quiet[at] ?? []), 0.99)),
    )
    const page = scrapes.at(-1)?.page ?? ''
    const series = page.split('\n').filter((line) => line.includes('integration="integration-99"')).length
    const failures = [...quiet, ...busy].flat().filter(({ ok }) => !ok).length
    const bytes = Buffer.byteLength(page)
    return {
      holds: failures === 0 && bytes <= MOST.bytes && series <= MOST.series && series > 40 && added <= MOST.addedMs,
      figures: {
        integrations: INTEGRATIONS,
        series_an_integration: series,
        bytes,
        scrapes: scrapes.flatMap(({ ms }) => ms).length,
        scrape_ms: rounded(median(scrapes.flatMap(({ ms }) => ms))),
        quiet_p99_ms: rounded(p99(quiet)),
        scraped_p99_ms: rounded(p99(busy)),
        added_p99_ms: rounded(added),
        failures,
      },
    }
  },
})
