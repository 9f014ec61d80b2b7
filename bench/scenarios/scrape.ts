import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { readToken } from '../../bin/cli/token.ts'
import { dataPaths } from '../../bin/embedded/paths.ts'
import { SAMPLE_DEFAULTS } from '../../bin/embedded/sample/secrets.ts'
import { dataFolder } from '../crossfade.ts'
import type { Arrival } from '../open-loop.ts'
import { startNode } from '../process.ts'
import { latencyOf, stretchOf } from '../sample-load.ts'
import { type Bench, defineScenario, type Result, type System } from '../scenario.ts'
import { median, rounded } from '../statistics.ts'
import { startStoresWith } from './ledger-stores.ts'

const SCRAPER = fileURLToPath(new URL('./scraper.ts', import.meta.url))
const SERVER = fileURLToPath(new URL('./scrape-server.ts', import.meta.url))
const INTEGRATION = 'aws'
const INTEGRATIONS = 350
/** What is demanded of a scrape, and what it may add to the p99 of requests. */
const MOST = { bytes: 3_000_000, series: 60, addedMs: 5 } as const
/** Fewer, and the metrics are not as full as they are meant to be. */
const LEAST_SERIES = 45
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

/** One scrape, as the process that does it tells. */
interface Scrape {
  readonly ms: number
  readonly bytes: number
  readonly series: number
}

/** Scrapes while it is switched on. */
function startScraper({ operators }: Scraped) {
  const child = spawn(process.execPath, [SCRAPER, `${operators}/metrics`, String(EVERY_MS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const scrapes: Scrape[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as Scrape | { readonly ready: true }
    if (!('ready' in told)) scrapes.push(told)
  })
  return { scrapes, turn: (to: 'on' | 'off') => child.stdin.write(`${to}\n`), stop: () => child.stdin.end() }
}

export const scrape = defineScenario({
  name: 'scrape',
  about: `Reads beside scrapes of the metrics of ${INTEGRATIONS} integrations and 4 cohorts, with every series that they can have.`,
  seconds: 48,
  systems: { stores: (bench: Bench) => startStoresWith(bench, SAMPLE_DEFAULTS.secrets), proxy: startScraped },
  drive: async ({ proxy }, { seconds, note, signal }) => {
    const requests = { proxy, integration: INTEGRATION, writes: 0 } as const
    const stretch = stretchOf(requests, { perSecond: PER_SECOND, ms: SLICE_MS })
    const slices: Record<'quiet' | 'busy', (readonly Arrival[])[]> = { quiet: [], busy: [] }
    const scraper = startScraper(proxy as Scraped)
    try {
      await stretch('warm up', signal)
      for (let round = 0; round < Math.max(2, Math.floor((seconds * 1000) / (2 * SLICE_MS))); round += 1) {
        note(`round ${round + 1}: ${SLICE_MS} ms without scrapes, ${SLICE_MS} ms with`)
        slices.quiet.push(await stretch(`round ${round}`, signal))
        scraper.turn('on')
        slices.busy.push(await stretch(`round ${round}`, signal))
        scraper.turn('off')
      }
    } finally {
      scraper.stop()
    }
    return judged(slices, scraper.scrapes)
  },
})

function judged(
  { quiet, busy }: Readonly<Record<'quiet' | 'busy', readonly (readonly Arrival[])[]>>,
  scrapes: readonly Scrape[],
): Result {
  const p99 = (arrivals: readonly Arrival[] = []): number =>
    latencyOf(
      arrivals.filter(({ ok }) => ok),
      0.99,
    )
  const added = median(busy.map((arrivals, at) => p99(arrivals) - p99(quiet[at])))
  const { bytes = Number.NaN, series = Number.NaN } = scrapes.at(-1) ?? {}
  const failures = [...quiet, ...busy].flat().filter(({ ok }) => !ok).length
  const isSmall = bytes <= MOST.bytes && series <= MOST.series && series > LEAST_SERIES
  return {
    holds: failures === 0 && isSmall && added <= MOST.addedMs,
    figures: {
      integrations: INTEGRATIONS,
      series_an_integration: series,
      bytes,
      scrapes: scrapes.length,
      scrape_ms: rounded(median(scrapes.map(({ ms }) => ms))),
      quiet_p99_ms: rounded(median(quiet.map((arrivals) => p99(arrivals)))),
      scraped_p99_ms: rounded(median(busy.map((arrivals) => p99(arrivals)))),
      added_p99_ms: rounded(added),
      failures,
    },
  }
}
