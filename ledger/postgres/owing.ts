import type { Side } from '../../core/side.ts'
import type { Database } from './database.ts'

/** What settle still has to do on one integration; quarantined secrets are not in it. */
export interface Owing {
  /** Debts by their fresh side; never-copied secrets are debts whose fresh side is legacy. */
  readonly fresh: Readonly<Record<Side, number>>
  /**
   * Of all of them, those that nothing has touched since the instant that was asked about, and those of the inventory that
   * were never copied: whoever claimed one, and may have died with it, wrote nothing new.
   */
  readonly untouched: Readonly<Record<Side, number>>
  /** The ledger's clock, for the next question. */
  readonly now: string
}

const OWING = `
  select count(*) filter (where fresh = 'legacy')::int as legacy, count(*) filter (where fresh = 'new')::int as new,
    count(*) filter (where fresh = 'legacy' and (changed_at < $2 or version = 0 and not copied))::int as "oldLegacy",
    count(*) filter (where fresh = 'new' and (changed_at < $2 or version = 0 and not copied))::int as "oldNew", clock_timestamp()::text as now
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

/** One integration, and which debts of it are meant: those of this fresh side, or of both. */
export interface Wanted {
  readonly integration: string
  readonly source: Side | null
}

const DUE = `
  select w.integration, w.source from unnest($1::text[], $2::text[]) w (integration, source)
  where exists (select from unnest(array['legacy', 'new']) side (fresh), crossfade.secret s
    where (w.source is null or side.fresh = w.source) and s.integration = w.integration and s.fresh = side.fresh
      and s.fresh <> 'both' and s.quarantine is null and s.settle_after <= clock_timestamp())`

/** Of all these, the integrations that have a debt to settle now: one statement instead of a claim for each. */
export const readDue = (database: Database, wanted: readonly Wanted[]): Promise<readonly Wanted[]> =>
  database.query<Wanted>('crossfade-due', DUE, [wanted.map((w) => w.integration), wanted.map((w) => w.source)])

export interface DebtCount {
  readonly integration: string
  readonly fresh: Side
  readonly debts: number
  /** Of them, those that settle could not settle so often that it is no accident. */
  readonly stuck: number
}

/** With the back-off between them, about four seconds. */
const STUCK = 3

const DEBTS = `
  select integration, fresh, count(*)::int as debts, count(*) filter (where attempts >= ${STUCK})::int as stuck
  from crossfade.secret
  where fresh <> 'both' and quarantine is null group by integration, fresh`

/** A debt that does not settle, and why it did not the last time. */
export interface StuckDebt {
  readonly integration: string
  readonly customer: string
  readonly name: string
  readonly attempts: number
  readonly reason: string
}

const STUCK_DEBTS = `
  select integration, customer, name, attempts, coalesce(refusal, 'nobody has said why') as reason from crossfade.secret
  where integration = any ($1) and fresh <> 'both' and quarantine is null and attempts >= ${STUCK}
  order by attempts desc, integration, customer, name limit $2`

/** Those that were tried most often. */
export const readStuckDebts = (
  database: Database,
  integrations: readonly string[],
  most: number,
): Promise<readonly StuckDebt[]> =>
  database.query<StuckDebt>('crossfade-stuck-debts', STUCK_DEBTS, [integrations, most])

/** Every integration that owes anything. */
export const readDebts = (database: Database): Promise<readonly DebtCount[]> =>
  database.query<DebtCount>('crossfade-debts', DEBTS, [])
