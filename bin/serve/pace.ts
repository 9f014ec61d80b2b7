import type { StoreCallSeen } from '../../backends/guarded.ts'
import type { Pairs } from '../../backends/pair.ts'
import type { Clock } from '../../core/clock.ts'
import type { PaceReports } from '../../ledger/postgres/pace-reports.ts'
import type { PaceRecords } from '../../ledger/postgres/paces.ts'
import type { MigratorSection } from '../../migrator/config.ts'
import type { MigratorMetrics } from '../../migrator/metrics.ts'
import { makeClients } from '../../migrator/pace/clients.ts'
import type { ClientKind } from '../../migrator/pace/clients-report.ts'
import { makeGovernor } from '../../migrator/pace/governor.ts'
import { makePaces, type Paces } from '../../migrator/pace/paces.ts'
import { makePacePeers } from '../../migrator/pace/peers.ts'
import { type PaceSettings, settingsOf } from '../../migrator/pace/settings.ts'
import { makeStores } from '../../migrator/pace/stores.ts'

/** The pace of this process: what limits it, what it sees, and what operators set while it runs. */
export interface PaceParts {
  readonly paces: Paces
  readonly settings: (integration: string) => PaceSettings
  /** Secrets a second that this process may work on now; null: no limit. */
  readonly rate: (integration: string) => number | null
  onClient(kind: ClientKind, ms: number): void
  onStore(call: StoreCallSeen): void
  /** Takes up what operators have set, twice a second or `now`. Never rejects. */
  follow(when?: 'now'): Promise<void>
  /** Looks until aborted. */
  run(signal: AbortSignal): Promise<void>
}

export interface PaceOptions {
  readonly section: MigratorSection
  readonly clock: Clock
  readonly metrics: Pick<MigratorMetrics, 'throttled' | 'paceRate' | 'passes'>
  readonly pairs: Pairs
  readonly records: Pick<PaceRecords, 'list'>
  readonly reports: PaceReports
  /** Of this process, among the reports. */
  readonly id: string
}

/** A timer that is also the look at the event loop. */
const TICK_MS = 25
const TICKS_A_LOOK = 10
/** Operators wait for it. */
const FOLLOW_MS = 500
/** ms after which what a process told is nothing any more. */
const REPORT_MS = 3000

export function openPace({ section, clock, metrics, pairs, records, reports, id }: PaceOptions): PaceParts {
  let stored: Awaited<ReturnType<PaceRecords['list']>> = new Map()
  let followed = Number.NEGATIVE_INFINITY
  let running = 0
  let quiet: number | null = Number.NEGATIVE_INFINITY
  const now = () => clock.monotonic()

  const quietSince = (): number | null => peers.quietSince(running > 0 ? null : quiet)
  const settings = (integration: string) => settingsOf(section, stored.get(integration))
  const clients = makeClients({ now, quietSince, factor: section.pace.clients })
  const stores = makeStores({ now, factor: section.pace.stores, errors: section.pace.errors })
  const governor = makeGovernor({
    clock,
    clients,
    stores,
    lanes: () => paces.lanes,
    storesOf: (integration) => {
      const { legacy, new: fresh } = pairs(integration).stores
      return { legacy: legacy.name, new: fresh.name }
    },
    isAdaptive: (integration) => settings(integration).adaptive,
    floor: section.pace.min_rate,
  })
  const paces: Paces = makePaces({
    clock,
    limits: (integration) => {
      const { rate, concurrency } = settings(integration)
      return { rate: rate === null ? null : rate / peers.sharers(integration), concurrency }
    },
    speed: governor.speed,
    onThrottled: (_integration, by, ms) => metrics.throttled.inc({ by }, ms / 1000),
    onPasses: (change) => {
      running += change
      quiet = running > 0 ? null : now()
    },
  })
  const peers = makePacePeers({
    clock,
    clients,
    busy: () => [...paces.lanes.keys()].filter((integration) => paces.isBusy(integration)),
    exchange: (report) => reports.exchange(id, report, REPORT_MS),
    read: () => reports.others(id),
  })
  const rate = (integration: string): number | null => {
    const { rate: allowed } = paces.speed(integration)
    return Number.isFinite(allowed) ? allowed : null
  }
  const show = (): void => {
    metrics.paceRate.reset()
    metrics.passes.set(running)
    for (const integration of paces.lanes.keys()) {
      const allowed = paces.isBusy(integration) ? rate(integration) : null
      if (allowed !== null) metrics.paceRate.set({ integration }, allowed)
    }
  }
  return {
    paces,
    settings,
    rate,
    onClient: clients.observe,
    onStore: stores.observe,
    follow: async (when) => {
      if (when !== 'now' && now() - followed < FOLLOW_MS) return
      followed = now()
      stored = await records.list().catch(() => stored)
      await peers.look()
      paces.look()
    },
    run: async (signal) => {
      for (let tick = 1; !signal.aborted; tick += 1) {
        const from = now()
        await clock.sleep(TICK_MS, signal).catch(() => undefined)
        clients.observe('loop', Math.max(0, now() - from - TICK_MS))
        if (tick % TICKS_A_LOOK !== 0) continue
        governor.look()
        show()
      }
    },
  }
}
