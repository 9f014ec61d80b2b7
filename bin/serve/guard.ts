import type { Clock } from '../../core/clock.ts'
import { type Cap, EVERY_INTEGRATION } from '../../flags/caps.ts'
import type { Cohorts } from '../../flags/cohorts.ts'
import { type Budgets, budgetsOf } from '../../flags/guard/config.ts'
import { type Guard, makeGuard, type Place, type Trip } from '../../flags/guard/guard.ts'
import { sentence } from '../../flags/guard/judge.ts'
import type { FlagsMetrics } from '../../flags/metrics.ts'
import { PLANS, phaseRank } from '../../flags/phase.ts'
import type { Bus } from '../../ledger/bus.ts'
import type { Mismatches } from '../../ledger/postgres/mismatches.ts'
import type { StoreCall } from '../../proxy/core/store-call.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import type { CapSpread } from './cap-spread.ts'
import type { FlagParts } from './flags.ts'

/*
 * Feeds the guard with what this replica sees, exchanges figures with the others over the bus, and caps what it trips on.
 * A trip spreads as a rollback does. A stable mismatch is judged at once, everything else once a second. Without the bus
 * this replica goes on with its own figures, and says so; what it saw meanwhile is not told later, as if it were of then.
 */
export interface GuardWatch {
  observe(call: StoreCall): void
  /** The same records; each that is made is told to the guard, whoever found it. */
  tellOf(mismatches: Mismatches): Mismatches
  start(): void
  /** Judges, and exchanges figures with the others. */
  round(): void
  stop(): Promise<void>
  readonly guard: Guard
  readonly budgets: (integration: string) => Budgets | null
  /** The figures are those of all replicas. */
  isShared(): boolean
}

export interface GuardWatchParts {
  readonly self: string
  readonly config: Pick<CrossfadeConfig, 'guard' | 'integrations'>
  readonly flags: Pick<FlagParts, 'caps' | 'phases' | 'outlook'> & { readonly cohorts: Pick<Cohorts, 'of'> }
  readonly bus: Bus
  readonly spread: Pick<CapSpread, 'add'>
  readonly clock: Clock
  readonly metrics: FlagsMetrics
}

const ROUND_MS = 1000
/** Cohorts in one message. */
const MESSAGE = 200

export function makeGuardWatch(parts: GuardWatchParts): GuardWatch {
  const { self, config, flags, bus, spread, clock, metrics } = parts
  const { caps, phases, cohorts } = flags
  const stopping = new AbortController()
  let sent = 0
  let running: Promise<void> = Promise.resolve()

  const budgets = (integration: string): Budgets | null => {
    const section = config.integrations[integration]
    return section === undefined ? null : budgetsOf(config.guard, section.guard)
  }
  const isCapped = ({ integration, cohort }: Place, { cap_to }: Budgets): boolean => {
    const lowest = caps.lowest(integration, cohort)
    return lowest !== null && phaseRank(lowest.phase) <= phaseRank(cap_to)
  }
  const guard = makeGuard({ clock, budgets, isCapped })

  const readsNew = ({ integration, cohort }: Place): boolean => {
    const runs = flags.outlook(integration).find((outlook) => outlook.cohort === cohort)?.runs
    return runs !== undefined && PLANS[runs].read === 'new'
  }
  const trip = (trips: readonly Trip[]): void => {
    if (trips.length === 0) return
    for (const { integration, evidence } of trips) metrics.guardTrips.inc({ integration, budget: evidence.budget })
    // In effect here before anything is awaited; who must know and what is durable is the spread's to see to.
    void spread.add(trips.map((found) => capOf(found, clock.wall()))).catch(() => undefined)
  }

  const exchange = (): void => {
    const shares = guard.share()
    if (shares === null || !bus.hears()) return
    for (let i = 0; i < shares.length; i += MESSAGE) {
      sent += 1
      bus.publish({ kind: 'figures', from: self, number: sent, shares: shares.slice(i, i + MESSAGE) })
    }
  }
  const show = (): void => {
    metrics.guardShared.set(bus.hears() ? 1 : 0)
    metrics.guardUsed.reset()
    for (const [integration, used] of worstOf(guard.watched())) metrics.guardUsed.set({ integration }, used)
  }
  const round = (): void => {
    exchange()
    trip(guard.look())
    show()
  }

  bus.onMessage((message) => {
    if (message.kind === 'figures' && message.from !== self) guard.take(message.from, message.number, message.shares)
  })
  // What was seen before an operator rolled back, or lifted a cap, is no reason to set one after.
  const forget = ({ integration, cohort }: Cap): void =>
    guard.forget(integration === EVERY_INTEGRATION ? null : integration, cohort)
  caps.events.on('removed', forget)
  caps.events.on('added', (cap) => {
    if (cap.kind === 'rollback') forget(cap)
  })

  return {
    guard,
    budgets,
    isShared: bus.hears,
    observe: ({ integration, customer, side, failed, ms }) =>
      guard.observe({ integration, cohort: phases.decide(integration, customer).cohort }, { side, failed, ms }),
    tellOf: (mismatches) => ({
      ...mismatches,
      record: async (found) => {
        const { integration, customer, name } = found
        const place = { integration, cohort: cohorts.of(customer) }
        const tell = (id: string | null): void => {
          // What could not be read differs from nothing, as of a customer who was cut off; a store that fails is judged by its calls.
          if (!readsNew(place) || found.class === 'store_error') return
          const tripped = guard.mismatch(place, JSON.stringify([customer, name]), { id, class: found.class })
          if (tripped !== null) trip([tripped])
        }
        try {
          const id = await mismatches.record(found)
          tell(id)
          return id
        } catch (error) {
          tell(null)
          throw error
        }
      },
    }),
    round,
    start: () => {
      const run = async (): Promise<void> => {
        while (!stopping.signal.aborted) {
          round()
          await clock.sleep(ROUND_MS, stopping.signal).catch(() => undefined)
        }
      }
      running = run()
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

/** By integration: a series for each budget of each of its cohorts would be many; `status` shows those. */
function worstOf(watched: ReturnType<Guard['watched']>): ReadonlyMap<string, number> {
  const worst = new Map<string, number>()
  for (const { integration, used } of watched)
    worst.set(integration, Math.max(worst.get(integration) ?? 0, ...Object.values(used)))
  return worst
}

const capOf = ({ integration, cohort, evidence, budgets }: Trip, at: number): Cap => ({
  integration,
  cohort,
  kind: 'guard',
  phase: budgets.cap_to,
  reason: sentence(evidence, budgets),
  by: 'guard',
  at,
  evidence,
})
