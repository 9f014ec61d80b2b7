import type { Clock } from '../../core/clock.ts'
import type { PaceReport } from '../../ledger/postgres/pace-reports.ts'
import type { Clients } from './clients.ts'
import type { ClientsReport } from './clients-report.ts'

/*
 * The other processes on the ledger. While any of them copies each tells the rest what it works on and what its clients see:
 * a rate that was asked for is shared by those that work on the integration, clients that suffer slow down every process, and
 * a baseline is taken only where none of them copies. Where nobody copies nobody tells anything.
 */
export interface PacePeers {
  /** Tells, and hears. Never rejects: without the ledger there is nothing to copy. */
  look(): Promise<void>
  /** How many processes work on the integration, this one counted. */
  sharers(integration: string): number
  /** Since when nothing is copied anywhere, where this process has been quiet since `own`; null: something is. */
  quietSince(own: number | null): number | null
}

export interface PacePeersOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'wall'>
  readonly clients: Pick<Clients, 'report' | 'hear' | 'stillFor'>
  /** Integrations that this process works on. */
  readonly busy: () => readonly string[]
  readonly exchange: (report: PaceReport) => Promise<ReadonlyMap<string, PaceReport>>
  readonly read: () => Promise<ReadonlyMap<string, PaceReport>>
}

/** Of a common pause, until others have heard the clock strike and ended what they had begun. */
const SKEW_MS = 200

export function makePacePeers({ clock, clients, busy, exchange, read }: PacePeersOptions): PacePeers {
  let others: ReadonlyMap<string, PaceReport> = new Map()
  let wasBusy = false
  const isBusy = (): boolean => [...others.values()].some((report) => report.busy.length > 0)
  return {
    look: async () => {
      const own = busy()
      // Also that it has ended.
      const telling = own.length > 0 || wasBusy || isBusy()
      wasBusy = own.length > 0
      const report = { busy: own, clients: clients.report() }
      others = await (telling ? exchange(report) : read()).catch(() => new Map())
      clients.hear(new Map([...others].map(([id, told]) => [id, told.clients as ClientsReport])))
    },
    sharers: (integration) => 1 + [...others.values()].filter((report) => report.busy.includes(integration)).length,
    quietSince: (own) => {
      if (own === null || !isBusy()) return own
      const still = clients.stillFor(clock.wall())
      return still === null || still < SKEW_MS ? null : Math.max(own, clock.monotonic() - still + SKEW_MS)
    },
  }
}
