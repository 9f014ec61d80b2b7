import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { type Cap, EVERY_INTEGRATION } from '../../flags/caps.ts'
import type { LedgerMetrics } from '../../ledger/metrics.ts'
import type { Journal } from '../../ledger/postgres/journal.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { makeCapFile, noCapFile } from './cap-file.ts'
import { makeCapReach } from './cap-reach.ts'
import { type CapSpread, makeCapSpread } from './cap-spread.ts'
import type { FlagParts } from './flags.ts'
import type { LedgerParts } from './ledger.ts'

/** Caps on every replica, durable, and an event each in the journal. */
export function openCaps(
  config: Pick<CrossfadeConfig, 'bus' | 'ledger'>,
  parts: {
    readonly ledger: LedgerParts
    readonly flags: Pick<FlagParts, 'storedCaps' | 'capRecords'>
    readonly clock: Clock
    readonly metrics: LedgerMetrics
    readonly journal: Journal
  },
): CapSpread {
  const { ledger, flags, clock, metrics, journal } = parts
  const { caps_file } = config.ledger
  return makeCapSpread({
    self: ledger.id,
    name: ledger.name,
    book: flags.storedCaps,
    records: flags.capRecords,
    bus: ledger.bus,
    isAlone: config.bus === undefined,
    reach: makeCapReach({
      self: ledger.id,
      replicas: ledger.replicas,
      clock,
      onLive: (count) => metrics.live.set(count),
    }),
    file: caps_file === undefined ? noCapFile : makeCapFile(caps_file, (code) => metrics.capFileErrors.inc({ code })),
    follows: ledger.follows,
    clock,
    newId: randomUUID,
    onReached: ({ applied, of }) => metrics.behind.set(of - applied),
    // The cap holds; an event that is lost is no reason to call it failed.
    onDurable: (cap) => void journal.append(eventOf(cap)).catch(() => undefined),
  })
}

const eventOf = ({ kind, integration, cohort, phase, reason, by, at, evidence }: Cap) => ({
  kind: kind === 'guard' ? 'guard-trip' : kind,
  integration: integration === EVERY_INTEGRATION ? null : integration,
  actor: by,
  detail: { cohort, from: null, to: phase, reason, at: new Date(at).toISOString(), evidence: evidence ?? null },
})
