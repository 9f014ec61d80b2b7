import type { Side } from '../../core/side.ts'
import type { Database } from './database.ts'

/** What settle still has to do on one integration; quarantined secrets are not in it. */
export interface Owing {
  /** Debts by their fresh side; never-copied secrets are debts whose fresh side is legacy. */
  readonly fresh: Readonly<Record<Side, number>>
  /** Of all of them, those that nothing has touched since the instant that was asked about. */
  readonly untouched: Readonly<Record<Side, number>>
  /** The ledger's clock, for the next question. */
  readonly now: string
}

const OWING = `
  select count(*) filter (where fresh = 'legacy')::int as legacy, count(*) filter (where fresh = 'new')::int as new,
    count(*) filter (where fresh = 'legacy' and changed_at < $2)::int as "oldLegacy",
    count(*) filter (where fresh = 'new' and changed_at < $2)::int as "oldNew", clock_timestamp()::text as now
  from crossfade.secret where integration = $1 and fresh <> 'both' and quarantine is null`

interface Row extends Readonly<Record<Side, number>> {
  readonly oldLegacy: number
  readonly oldNew: number
  readonly now: string
}

/** `since`: an earlier answer's `now`, or null to count every debt as untouched. */
export async function readOwing(database: Database, integration: string, since: string | null): Promise<Owing> {
  const [row] = await database.query<Row>('crossfade-owing', OWING, [integration, since ?? 'infinity'])
  const { legacy, new: fresh, oldLegacy, oldNew, now } = row as Row
  return { fresh: { legacy, new: fresh }, untouched: { legacy: oldLegacy, new: oldNew }, now }
}
