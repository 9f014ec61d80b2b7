import type { Address } from '../../backends/secret.ts'
import { otherSide, type Side } from '../../core/side.ts'
import type { Fresh } from '../ledger.ts'
import type { Database } from './database.ts'

/** What stands between an integration and the day when only `side` is left; all but `accepted` and `rows` zero: nothing does. */
export interface Obstacles {
  /** Secrets of which the side that goes holds the latest value alone; never-copied ones are among them. */
  readonly owed: number
  /** On both sides, and not verified since their last change. */
  readonly unverified: number
  /** In quarantine, and no operator accepted that. */
  readonly quarantined: number
  /** In quarantine, and accepted: they stay behind. No obstacle. */
  readonly accepted: number
  readonly mismatched: number
  /** All that the ledger knows. No obstacle. */
  readonly rows: number
}

/** A row whose value on the side that stays no verify has seen. */
export interface UnseenRow {
  readonly address: Address
  readonly version: number
  readonly seq: number
  readonly fresh: Fresh
  /** A delete has begun: nothing has to be there. */
  readonly gone: boolean
  readonly current: string | null
}

/** What the ledger says for and against the end of a migration. */
export interface Proof {
  obstacles(integration: string, side: Side): Promise<Obstacles>
  /** Quiet rows to look at on `side` itself, in byte order of (customer, name), strictly after `after`. */
  unseen(
    integration: string,
    side: Side,
    after: { readonly customer: string; readonly name: string } | null,
    limit: number,
  ): Promise<readonly UnseenRow[]>
  /** The report of the last finalize or abandon, or null. */
  report(integration: string, kind: 'finalized' | 'abandoned'): Promise<Readonly<Record<string, unknown>> | null>
}

/** Of a row `s`: some verify saw this version of it. */
export const VERIFIED = 's.verified_version is not distinct from s.version'
/** Of a row `s`: an operator accepted that it stays behind. */
export const BEHIND = 'crossfade.stays_behind(s)'

const OBSTACLES = `
  select count(*)::int as rows,
    count(*) filter (where s.fresh = $2 and not ${BEHIND})::int as owed,
    count(*) filter (where s.fresh = 'both' and not s.deleted and not (${VERIFIED})
      and s.quarantine is null)::int as unverified,
    count(*) filter (where s.quarantine is not null and not ${BEHIND})::int as quarantined,
    count(*) filter (where ${BEHIND})::int as accepted,
    (select count(*)::int from crossfade.mismatch m where m.integration = $1 and m.resolved_at is null) as mismatched
  from crossfade.secret s where s.integration = $1`

const UNSEEN = `
  select integration, customer, name, version, seq, fresh, gone, current from crossfade.secret s
  where s.integration = $1 and (s.customer, s.name) > (coalesce($3, ''), coalesce($4, ''))
    and s.quarantine is null and s.ops = '{}' and (s.fresh = $2 or s.fresh = 'both' and not s.deleted and not (${VERIFIED}))
  order by s.customer, s.name limit $5`

const REPORT = 'select detail from crossfade.event where integration = $1 and kind = $2 order by id desc limit 1'

interface Row extends Address, Omit<UnseenRow, 'address' | 'version' | 'seq'> {
  readonly version: string
  readonly seq: string
}

export const makeProof = (database: Database): Proof => ({
  obstacles: async (integration, side) => {
    const [row] = await database.patiently<Obstacles>(OBSTACLES, [integration, otherSide(side)])
    return row as Obstacles
  },
  unseen: async (integration, side, after, limit) => {
    const values = [integration, side, after?.customer ?? null, after?.name ?? null, limit]
    return (await database.query<Row>('crossfade-unseen', UNSEEN, values)).map(toRow)
  },
  report: async (integration, kind) => {
    const [row] = await database.query<{ detail: Record<string, unknown> }>('crossfade-report', REPORT, [
      integration,
      kind,
    ])
    return row?.detail ?? null
  },
})

const toRow = ({ integration, customer, name, version, seq, ...rest }: Row): UnseenRow => ({
  ...rest,
  address: { integration, customer, name },
  version: Number(version),
  seq: Number(seq),
})
