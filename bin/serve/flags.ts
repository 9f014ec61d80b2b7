import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Side } from '../../core/side.ts'
import { type Cap, makeCapBook } from '../../flags/caps.ts'
import { loadCohortRules } from '../../flags/cohort-files.ts'
import { makeReplaceableCohorts } from '../../flags/cohorts.ts'
import type { Pin } from '../../flags/decision.ts'
import { cappedByGates, makeGateBook } from '../../flags/gate-book.ts'
import { soakedIn } from '../../flags/gate-marks.ts'
import { mergeGates } from '../../flags/gates-config.ts'
import { makeFlagSource } from '../../flags/make-source.ts'
import type { PhaseRecord } from '../../flags/memory.ts'
import type { FlagsMetrics } from '../../flags/metrics.ts'
import { type Outlook, outlookOf } from '../../flags/outlook.ts'
import { makePhases } from '../../flags/phases.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import { makeCapRecords, makeFlagRecords } from '../../ledger/postgres/records.ts'
import type { Replica } from '../../ledger/replica.ts'
import type { Soaking } from '../../migrator/leave.ts'
import { admitted } from '../../proxy/core/context.ts'
import type { CrossfadeConfig } from '../config/schema.ts'

export type FlagParts = Awaited<ReturnType<typeof openFlags>>

/** Flags, cohorts and caps, with their durable records in the ledger's database. */
export async function openFlags(
  config: CrossfadeConfig,
  parts: {
    readonly database: Database
    readonly replica: Replica
    readonly clock: Clock
    readonly metrics: FlagsMetrics
  },
) {
  const { database, replica, clock, metrics } = parts
  const gatesOf = (integration: string) => mergeGates(config.gates, config.integrations[integration]?.gates ?? {})
  const gateBook = makeGateBook(gatesOf)
  const storedCaps = makeCapBook()
  const caps = cappedByGates(storedCaps, gateBook)
  const cohorts = makeReplaceableCohorts(await loadCohortRules(config.cohorts))
  const source = await makeFlagSource(config.flags, { clock, instance: randomUUID() })
  const integrations = Object.keys(config.integrations)
  const pin = (integration: string): Pin | null => {
    const state = replica.state(integration)
    if (state === null) return { phase: 'off', reason: 'the ledger was not reached yet' }
    return state === 'enrolled' ? null : { phase: admitted(state, 'off'), reason: PINS[state] ?? `it is ${state}` }
  }
  const phases = makePhases({
    source,
    cohorts,
    memory: makeFlagRecords<PhaseRecord>(database),
    caps,
    clock,
    integrations,
    pin,
    maxMoves: config.flags.max_moves ?? null,
    metrics,
  })
  const outlook = (integration: string): readonly Outlook[] =>
    outlookOf(integration, { history: (name: string) => phases.history(name), cohorts, caps, pin, now: clock.wall() })
  const soaking = (integration: string): readonly Soaking[] => {
    const asked = gatesOf(integration).finalize?.soak ?? 0
    return cohorts.names.flatMap((cohort) => {
      const left = asked - (soakedIn(gateBook.mark(integration, cohort), 'complete', clock.wall()) ?? 0)
      return left > 0 ? [{ cohort, left }] : []
    })
  }
  return {
    source,
    soaking,
    cohorts,
    caps,
    storedCaps,
    gateBook,
    gatesOf,
    phases,
    pin,
    integrations,
    outlook,
    capRecords: makeCapRecords<Cap>(database),
    outlookParts: () => ({ history: (name: string) => phases.history(name), cohorts, caps, pin, now: clock.wall() }),
  }
}

const PINS: Readonly<Record<string, string>> = {
  bare: 'not enrolled: crossfade migrate enrols it',
  enrolling: 'being enrolled',
  finalized: 'finalized: the new side for good',
}

/**
 * Debts that no phase leaves on purpose: while every customer is `off` new owes on purpose, and while every customer is
 * `complete` legacy does.
 */
export function debtsToSettle(outlooks: readonly Outlook[]): Side | null {
  if (outlooks.every(({ runs }) => runs === 'off')) return 'new'
  const complete = outlooks.every(
    ({ runs, asks }) => runs === 'complete' && asks.every(({ phase }) => phase === 'complete'),
  )
  return complete ? 'legacy' : null
}
