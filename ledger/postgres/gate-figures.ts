import { type Bypass, FULL_VERIFY, NO_BYPASS, readBypass } from './bypass.ts'
import type { Database } from './database.ts'
import { BEHIND, VERIFIED } from './proof.ts'

/** What gates ask of one customer's secrets; add them up by cohort. */
export interface CustomerFigures {
  readonly customer: string
  readonly secrets: number
  readonly copied: number
  readonly verified: number
  readonly quarantined: number
  readonly debts: number
  readonly mismatches: number
}

/** What gates ask of an integration. */
export interface IntegrationFigures {
  readonly customers: readonly CustomerFigures[]
  readonly comparisons: ReadonlyMap<string, number>
  readonly inventoried: boolean
  /** A verify of all of it ended without a difference. */
  readonly fullVerify: boolean
  readonly bypass: Bypass
}

/*
 * One pass over the integration's rows. An integration that is written to is never verified to the last secret at any instant,
 * so what was written to both sides after the last full verify began counts as verified: that verify has seen it before, or
 * it was made by a write that both stores acknowledged. Anything older must have been seen at its present version.
 */
const FIGURES = `
  with full_verify as (
    select to_timestamp((position ->> 'began')::float8 / 1000) as began
    from crossfade.checkpoint where integration = $1 and stage = '${FULL_VERIFY}'
  ), counted as (
    select s.customer, count(*)::int as secrets,
      count(*) filter (where s.fresh = 'both')::int as copied,
      count(*) filter (where s.fresh = 'both' and
        (${VERIFIED} or s.changed_at >= (select began from full_verify)))::int as verified,
      count(*) filter (where s.quarantine is not null)::int as quarantined,
      count(*) filter (where s.fresh <> 'both' and s.quarantine is null)::int as debts
    from crossfade.secret s where s.integration = $1 and not s.deleted and not ${BEHIND} group by s.customer
  ), differing as (
    select m.customer, count(*)::int as mismatches
    from crossfade.mismatch m where m.integration = $1 and m.resolved_at is null group by m.customer
  )
  select coalesce(c.customer, d.customer) as customer, coalesce(secrets, 0) as secrets, coalesce(copied, 0) as copied,
    coalesce(verified, 0) as verified, coalesce(quarantined, 0) as quarantined, coalesce(debts, 0) as debts,
    coalesce(mismatches, 0) as mismatches
  from counted c full join differing d on d.customer = c.customer`

const BESIDE = `
  select (select coalesce(jsonb_object_agg(cohort, n), '{}') from crossfade.comparison where integration = $1) as comparisons,
    coalesce((select inventoried from crossfade.integration where name = $1), false) as inventoried,
    exists (select from crossfade.checkpoint where integration = $1 and stage = '${FULL_VERIFY}') as "fullVerify"`

interface Beside {
  readonly comparisons: Readonly<Record<string, number>>
  readonly inventoried: boolean
  readonly fullVerify: boolean
}

export async function readGateFigures(database: Database, integration: string): Promise<IntegrationFigures> {
  const [customers, [beside], bypass] = await Promise.all([
    database.patiently<CustomerFigures>(FIGURES, [integration]),
    database.query<Beside>('crossfade-gate-beside', BESIDE, [integration]),
    readBypass(database, [integration]),
  ])
  return {
    customers,
    comparisons: new Map(Object.entries(beside?.comparisons ?? {})),
    inventoried: beside?.inventoried ?? false,
    fullVerify: beside?.fullVerify ?? false,
    bypass: bypass.get(integration) ?? NO_BYPASS,
  }
}
