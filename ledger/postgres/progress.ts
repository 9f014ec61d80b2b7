import { FULL_VERIFY } from './bypass.ts'
import type { Database } from './database.ts'

/** Exact counts of one customer's secrets of one integration; add them up by cohort, owner or integration. */
export interface Counts {
  /** Every secret that the ledger knows and that was not deleted. */
  readonly discovered: number
  /** Held by both sides now. */
  readonly copied: number
  /** Compared since the last change, or written to both sides since the last whole verify began, as gates count. */
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
  /** Of those discovered, names that came after the inventory mark. */
  readonly arrived: number
}

export interface CustomerCounts extends Counts {
  readonly integration: string
  readonly customer: string
}

/*
 * One pass over the rows of these integrations, and nothing is joined to it: with a join the planner takes a million rows for a
 * thousand, and sorts them on disk.
 */
const COUNTS = `
  with marks as (
    select array_agg(i.name) as names, array_agg(case when i.inventoried then i.inventoried_at end) as at,
      min(i.inventoried_at) filter (where i.inventoried) as first,
      array_agg((select to_timestamp((c.position ->> 'began')::float8 / 1000) from crossfade.checkpoint c
        where c.integration = i.name and c.stage = '${FULL_VERIFY}')) as verified
    from crossfade.integration i where i.name = any ($1::text[])
  ), counted as (
    select s.integration, s.customer,
      count(*) filter (where not s.deleted)::int as discovered,
      count(*) filter (where s.fresh = 'both' and not s.deleted)::int as copied,
      count(*) filter (where s.fresh = 'both' and not s.deleted and (s.verified_version = s.version or s.changed_at >=
        (select verified from marks)[array_position((select names from marks), s.integration)]))::int as verified,
      count(*) filter (where s.fresh <> 'both' and s.copied and s.quarantine is null)::int as owing,
      count(*) filter (where s.deleted)::int as tombstones,
      count(*) filter (where s.quarantine is not null)::int as quarantined,
      count(*) filter (where s.fresh <> 'both' and s.quarantine is null)::int as left,
      count(*) filter (where not s.deleted and s.created_at > (select first from marks)
        and s.created_at > (select at from marks)[array_position((select names from marks), s.integration)])::int as arrived
    from crossfade.secret s where s.integration = any ($1::text[]) group by s.integration, s.customer
  ), differing as (
    select m.integration, m.customer, count(*)::int as mismatched from crossfade.mismatch m
    where m.integration = any ($1::text[]) and m.resolved_at is null group by m.integration, m.customer
  )
  select integration, customer, coalesce(discovered, 0) as discovered, coalesce(copied, 0) as copied,
    coalesce(verified, 0) as verified, coalesce(owing, 0) as owing, coalesce(tombstones, 0) as tombstones,
    coalesce(quarantined, 0) as quarantined, coalesce(mismatched, 0) as mismatched, coalesce("left", 0) as left,
    coalesce(arrived, 0) as arrived
  from counted full join differing using (integration, customer)`

/** Counts by integration and customer, of those that the ledger knows of these integrations. */
export const readCounts = (
  database: Pick<Database, 'patiently'>,
  integrations: readonly string[],
): Promise<readonly CustomerCounts[]> => database.patiently<CustomerCounts>(COUNTS, [integrations])

export const COUNT_KEYS = [
  'discovered',
  'copied',
  'verified',
  'owing',
  'tombstones',
  'quarantined',
  'mismatched',
  'left',
  'arrived',
] as const satisfies readonly (keyof Counts)[]

const each = (count: (key: keyof Counts) => number): Counts =>
  Object.fromEntries(COUNT_KEYS.map((key) => [key, count(key)])) as unknown as Counts

export const NO_COUNTS: Counts = Object.freeze(each(() => 0))

export const addCounts = (a: Counts, b: Counts): Counts => each((key) => a[key] + b[key])

/** By integration and cohort; the ledger knows customers, whoever asks knows which cohort each is in. */
export async function readCohortCounts(
  database: Pick<Database, 'patiently'>,
  cohortOf: (customer: string) => string,
  integrations: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, Counts>>> {
  const members = Map.groupBy(await readCounts(database, integrations), ({ integration }) => integration)
  return new Map([...members].map(([name, own]) => [name, sumBy(own, ({ customer }) => cohortOf(customer))]))
}

/** Sums by a key, such as the cohort of the customer. */
export function sumBy<T extends Counts>(counted: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, Counts> {
  const sums = new Map<string, Record<keyof Counts, number>>()
  for (const one of counted) {
    const key = keyOf(one)
    const sum = sums.get(key) ?? { ...NO_COUNTS }
    for (const each of COUNT_KEYS) sum[each] += one[each]
    sums.set(key, sum)
  }
  return sums
}
