import type { Address } from '../../backends/secret.ts'
import type { QuarantineReason } from '../ledger.ts'
import type { Database } from './database.ts'
import { BEHIND } from './proof.ts'

/** A secret that cannot be copied; it stays served from where it is. */
export interface QuarantinedSecret extends Address {
  readonly reason: QuarantineReason
  readonly at: string
}

const LIST = `
  select integration, customer, name, quarantine as reason, changed_at as at from crossfade.secret
  where integration = any ($1::text[]) and quarantine is not null
    and ($2::text is null or (integration, customer, name) > ($2, $3, $4))
  order by integration, customer, name limit $5`

/** A page in byte order of address, strictly after `after`. */
export async function listQuarantine(
  database: Database,
  integrations: readonly string[],
  after: Address | null,
  limit: number,
): Promise<readonly QuarantinedSecret[]> {
  const values = [integrations, after?.integration ?? null, after?.customer ?? null, after?.name ?? null, limit]
  const rows = await database.query<Omit<QuarantinedSecret, 'at'> & { at: Date }>('crossfade-quarantine', LIST, values)
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
}

/*
 * Those in quarantine apart from the others, because each half has an index of its own: among a million rows that are equal, or
 * of which new owes many, a few take a millisecond. Asked for both at once it reads all of them, which takes a hundred times that.
 */
const ONLY_NEW = `
  select integration, customer, count(*)::int as secrets, count(*) filter (where quarantined)::int as quarantined
  from (
    select integration, customer, false as quarantined from crossfade.secret
      where integration = any ($1::text[]) and fresh = 'new' and quarantine is null
    union all
    select integration, customer, true from crossfade.secret
      where integration = any ($1::text[]) and fresh = 'new' and quarantine is not null
  ) only_new group by integration, customer`

/** Secrets of one customer of which only new holds the latest value: they are read there until they are settled. */
export interface OnlyNew {
  readonly integration: string
  readonly customer: string
  readonly secrets: number
  /** Of them, those that settle leaves alone. */
  readonly quarantined: number
}

export const countOnlyNew = (database: Pick<Database, 'query'>, integrations: readonly string[]) =>
  database.query<OnlyNew>('crossfade-only-new', ONLY_NEW, [integrations])

/** What became of what was in quarantine. */
export interface Accepted {
  /** Legacy is right: settle now puts its value over what new holds, or removes what only new has. */
  readonly handed_over: number
  /** They stay in quarantine, served from where they are, and are left behind when the integration is finalized. */
  readonly left_behind: number
}

const COUNT = `
  select count(*) filter (where quarantine = 'foreign' and fresh = 'legacy')::int as handed_over,
    count(*) filter (where quarantine <> 'foreign' or fresh <> 'legacy')::int as left_behind
  from crossfade.secret where integration = $1 and quarantine is not null and crossfade.is_quiet(ops, crossfade.now_ms())`

/** What accepting would do now. */
export async function countQuarantine(database: Database, integration: string): Promise<Accepted> {
  const [row] = await database.query<Accepted>('crossfade-quarantine-count', COUNT, [integration])
  return row as Accepted
}

/** Verify leaves what is in quarantine alone, so a difference that it found before would stay open for ever. */
const CLOSE = `
  update crossfade.mismatch m set resolved_at = clock_timestamp() from crossfade.secret s
  where m.integration = $1 and m.resolved_at is null
    and (s.integration, s.customer, s.name) = (m.integration, m.customer, m.name) and ${BEHIND}`

/** An operator's word on everything that is quarantined now; a secret that changes afterwards is judged anew. */
export async function acceptQuarantine(database: Database, integration: string): Promise<Accepted> {
  const [row] = await database.query<{ answer: Accepted }>(null, 'select crossfade.accept_quarantine($1) as answer', [
    integration,
  ])
  await database.query('crossfade-quarantine-close', CLOSE, [integration])
  return (row as { answer: Accepted }).answer
}

/** What a retry may be about, and what became of it. */
export interface Retried {
  /** By reason: put back, to be settled as any debt. */
  readonly retried: Partial<Readonly<Record<QuarantineReason, number>>>
  /** Of the same reasons, left where they are: no client can ask for them, or an operation is open. */
  readonly kept: number
}

const RETRIABLE = `
  select s.quarantine as reason, count(*) filter (where crossfade.may_retry(s))::int as retried,
    count(*) filter (where not crossfade.may_retry(s))::int as kept
  from crossfade.secret s
  where s.integration = $1 and s.quarantine is not null and s.quarantine = any ($2::text[]) group by s.quarantine`

interface ByReason {
  readonly reason: QuarantineReason
  readonly retried: number
  readonly kept: number
}

/** What retrying would do now. */
export async function countRetry(
  database: Database,
  integration: string,
  reasons: readonly QuarantineReason[],
): Promise<Retried> {
  const rows = await database.query<ByReason>('crossfade-retriable', RETRIABLE, [integration, reasons])
  return {
    retried: Object.fromEntries(rows.flatMap(({ reason, retried }) => (retried === 0 ? [] : [[reason, retried]]))),
    kept: rows.reduce((sum, { kept }) => sum + kept, 0),
  }
}

const RETRY_PAGE = 2000

/** Puts entries back, in pages, so that no statement takes long; killed on the way, the same call goes on. */
export async function retryQuarantine(
  database: Database,
  integration: string,
  reasons: readonly QuarantineReason[],
): Promise<Retried> {
  const retriable = await countRetry(database, integration, reasons)
  const [clock] = await database.query<{ began: string }>(null, 'select clock_timestamp()::text as began', [])
  const retry = 'select crossfade.retry_quarantine($1, $2, $3::timestamptz, $4) as n'
  for (;;) {
    const values = [integration, reasons, (clock as { began: string }).began, RETRY_PAGE]
    const [page] = await database.query<{ n: number }>('crossfade-retry', retry, values)
    if ((page?.n ?? 0) < RETRY_PAGE) return retriable
  }
}
