import type { Database } from './database.ts'

/** The checkpoint that a full verify leaves: when it began, in ms of the ledger's clock. */
export const FULL_VERIFY = 'verified'

/** What was found of writers that bypass the proxy since the last verify of the whole integration that found nothing. */
export interface Bypass {
  readonly secrets: number
  /** ms since the epoch; null: nothing was found. */
  readonly lastSeen: number | null
}

export const NO_BYPASS: Bypass = Object.freeze({ secrets: 0, lastSeen: null })

/*
 * While nothing is open on a row, both sides hold what the last proxied write or settle put there. So what a verify found there that
 * differs was made by nobody of ours: it counts after it was repaired or copied, too, until a whole verify that began later has
 * found nothing. A store that could not be read says nothing of writers. What settle met is in quarantine; accepted, it is known.
 */
const BYPASS = `
  with clean as (
    select i.name, coalesce(to_timestamp((c.position ->> 'began')::float8 / 1000), '-infinity') as at
    from crossfade.integration i left join crossfade.checkpoint c on c.integration = i.name and c.stage = '${FULL_VERIFY}'
    where i.name = any ($1::text[]) and i.state = 'enrolled'
  ), found as (
    select m.integration, m.customer, m.name, m.at from clean join crossfade.mismatch m on m.integration = clean.name
    where m.source = 'verify' and m.class not in ('undecryptable', 'store_error') and m.at >= clean.at
    union all
    select s.integration, s.customer, s.name, s.changed_at from clean join crossfade.secret s on s.integration = clean.name
    where s.quarantine is not null and s.quarantine in ('out_of_band', 'missing') and not crossfade.stays_behind(s)
  )
  select integration, count(distinct (customer, name))::int as secrets, max(at) as at from found group by integration`

/** Of each of these integrations that has any. */
export async function readBypass(
  database: Pick<Database, 'query'>,
  integrations: readonly string[],
): Promise<ReadonlyMap<string, Bypass>> {
  const rows = await database.query<{ integration: string; secrets: number; at: Date }>('crossfade-bypass', BYPASS, [
    integrations,
  ])
  return new Map(rows.map(({ integration, secrets, at }) => [integration, { secrets, lastSeen: at.getTime() }]))
}
