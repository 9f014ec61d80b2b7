import type { Database } from './database.ts'

/** Exact counts of one customer's secrets of one integration; add them up by cohort, owner or integration. */
export interface Counts {
  /** Every secret that the ledger knows and that was not deleted. */
  readonly discovered: number
  /** Held by both sides now. */
  readonly copied: number
  /** Verified since the last change. */
  readonly verified: number
  /** One side owes the latest value, which was copied before. */
  readonly owing: number
  /** Deleted, kept until the end so that nothing brings them back. */
  readonly tombstones: number
  readonly quarantined: number
  /** Stable differences that are not resolved. */
  readonly mismatched: number
  /** Not yet on both sides. */
  readonly left: number
}

export interface CustomerCounts extends Counts {
  readonly integration: string
  readonly customer: string
}

const COUNTS = `
  select s.integration, s.customer,
    count(*) filter (where not s.deleted)::int as discovered,
    count(*) filter (where s.fresh = 'both' and not s.deleted)::int as copied,
    count(*) filter (where s.fresh = 'both' and not s.deleted and s.verified_version = s.version)::int as verified,
    count(*) filter (where s.fresh <> 'both' and s.copied and s.quarantine is null)::int as owing,
    count(*) filter (where s.deleted)::int as tombstones,
    count(*) filter (where s.quarantine is not null)::int as quarantined,
    count(m.id)::int as mismatched,
    count(*) filter (where s.fresh <> 'both' and s.quarantine is null)::int as left
  from crossfade.secret s
  left join crossfade.mismatch m
    on (m.integration, m.customer, m.name) = (s.integration, s.customer, s.name) and m.resolved_at is null
  where $1::text is null or s.integration = $1
  group by s.integration, s.customer`

/** Counts by integration and customer, of one integration or (null) of all. */
export const readCounts = (database: Database, integration: string | null): Promise<readonly CustomerCounts[]> =>
  database.query<CustomerCounts>('crossfade-counts', COUNTS, [integration])

const KEYS = ['discovered', 'copied', 'verified', 'owing', 'tombstones', 'quarantined', 'mismatched', 'left'] as const

export const NO_COUNTS: Counts = Object.freeze(
  Object.fromEntries(KEYS.map((key) => [key, 0])) as Record<(typeof KEYS)[number], number>,
)

export const addCounts = (a: Counts, b: Counts): Counts =>
  Object.fromEntries(KEYS.map((key) => [key, a[key] + b[key]])) as unknown as Counts
