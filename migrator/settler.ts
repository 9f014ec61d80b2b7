import PQueue from 'p-queue'
import type { Side } from '../core/side.ts'
import type { Wanted } from '../ledger/postgres/owing.ts'
import { type SettleDeps, settle } from '../ledger/settle.ts'
import { nextBatch } from './batch-size.ts'
import type { MigratorMetrics } from './metrics.ts'
import type { Share } from './pace/pace.ts'
import type { PacedDeps } from './pace/paced.ts'
import { makePatience } from './patience.ts'

/*
 * Settles debts in the background, except those that a phase leaves on purpose. One statement asks which integrations
 * have something due; those get a pass each, a few at once. A round that settled something is followed by the next at
 * once, else by a pause that a nudge ends. Claims of several replicas never meet: a row is claimed by one.
 *
 * Debts of live traffic are urgent: as long as one is there a read is served from the side that may be slower or going
 * away. So a pass counts among the passes at once and waits for no rate, unless the one before found secrets that were
 * never copied: those are a backfill, whoever does it, and go at its pace, live debts still first.
 */
export interface SettlerDeps extends SettleDeps, PacedDeps {
  /** Integrations of which debts may be settled now. */
  readonly enrolled: () => readonly string[]
  /** Debts to settle: those whose fresh side is this one, all of them (null), or none, because they are meant. */
  readonly wanted: (integration: string) => Side | null | 'none'
  readonly due: (wanted: readonly Wanted[]) => Promise<readonly Wanted[]>
  readonly metrics: Pick<MigratorMetrics, 'settles' | 'settlerErrors'>
  readonly batch: number
  readonly concurrency: number
  readonly lease: number
  /** After each pass: how many were made equal, and in how many ms. */
  readonly onPass?: (integration: string, secrets: number, ms: number) => void
  readonly settler: { readonly interval: number }
}

export interface Settler {
  start(): void
  /** There is a debt: look now. */
  nudge(): void
  /** One look; returns how many secrets were made equal. Never rejects. */
  round(): Promise<number>
  /** Resolves when the round on its way has ended. */
  stop(): Promise<void>
}

export function makeSettler(deps: SettlerDeps): Settler {
  const queue = new PQueue({ concurrency: deps.concurrency })
  const errors = makePatience({ clock: deps.clock, limit: Number.POSITIVE_INFINITY, first: deps.settler.interval })
  const stopping = new AbortController()
  let nudged = false
  let pause = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let failed = false

  const fail = (): number => {
    failed = true
    deps.metrics.settlerErrors.inc()
    return 0
  }

  /** Integrations in which the pass before found secrets that were never copied. */
  const copying = new Set<string>()
  const sizes = new Map<string, number>()
  const sizeOf = (integration: string): number => sizes.get(integration) ?? deps.batch

  /** Null: not now. Nobody waits for a rate here, since other integrations would wait with it. */
  const leave = async ({ integration }: Wanted): Promise<Share | null> =>
    copying.has(integration)
      ? deps.pace.tryTake(integration, sizeOf(integration))
      : deps.pace.place(integration, sizeOf(integration), stopping.signal)

  const pass = async (wanted: Wanted): Promise<number> => {
    const share = await leave(wanted).catch(() => null)
    if (share === null) return 0
    let worked = 0
    try {
      const start = deps.clock.monotonic()
      const reports = await settle(deps, { ...wanted, limit: share.secrets, lease: deps.lease })
      worked = reports.length
      const ms = deps.clock.monotonic() - start
      const { integration } = wanted
      sizes.set(integration, nextBatch(deps.batch, sizeOf(integration), { limit: share.secrets, ms, reports }))
      if (reports.some((report) => report.neverCopied)) copying.add(integration)
      else copying.delete(integration)
      for (const { kind } of reports) deps.metrics.settles.inc({ result: kind })
      const equal = reports.filter((report) => report.kind === 'equal').length
      deps.onPass?.(integration, equal, ms)
      return equal
    } catch {
      return fail()
    } finally {
      share.end(worked)
    }
  }

  const round = async (): Promise<number> => {
    failed = false
    try {
      const wanted = deps.enrolled().flatMap((integration): Wanted[] => {
        const source = deps.wanted(integration)
        return source === 'none' ? [] : [{ integration, source }]
      })
      const due = wanted.length === 0 ? [] : await deps.due(wanted)
      const settled = await Promise.all(due.map((w) => queue.add(() => pass(w))))
      return settled.reduce<number>((sum, n) => sum + (n ?? 0), 0)
    } catch {
      return fail()
    }
  }

  const rest = async (): Promise<void> => {
    if (nudged && !failed) return
    pause = new AbortController()
    const signal = AbortSignal.any([pause.signal, stopping.signal])
    // Woken early is as good as woken in time.
    await (failed ? errors.wait(signal) : deps.clock.sleep(deps.settler.interval, signal)).catch(() => undefined)
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      nudged = false
      const settled = await round()
      if (!failed) errors.well()
      if (settled === 0 && !stopping.signal.aborted) await rest()
    }
  }

  return {
    start: () => {
      loop = run()
    },
    nudge: () => {
      nudged = true
      if (!failed) pause.abort()
    },
    round,
    stop: async () => {
      stopping.abort()
      await loop
    },
  }
}
