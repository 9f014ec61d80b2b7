import { type Answers, byAddress } from '../../backends/answers.ts'
import { type Address, addressKey } from '../../backends/secret.ts'
import type { Side } from '../../core/side.ts'
import type { Fresh } from '../ledger.ts'
import { FULL_VERIFY } from './bypass.ts'
import type { Database } from './database.ts'

/** A row as verify sees it: what may be expected of the two sides. */
export interface VerifyRow {
  readonly address: Address
  readonly version: number
  readonly seq: number
  readonly fresh: Fresh
  readonly open: number
  readonly deleted: boolean
  readonly current: string | null
  readonly quarantine: string | null
  /** The store versions of the last tracked write or copy. */
  readonly versions: Partial<Readonly<Record<Side, string>>>
}

export interface Verification {
  /** Rows in byte order of (customer, name), strictly after `after`. */
  page(
    integration: string,
    after: { readonly customer: string; readonly name: string } | null,
    limit: number,
  ): Promise<readonly VerifyRow[]>
  /** The same rows again, in the order asked for; null where there is none any more. */
  again(addresses: readonly Address[]): Promise<Answers<Address, VerifyRow | null>>
  /** Marks rows that still have the version and seq that was compared. */
  verified(rows: readonly VerifyRow[]): Promise<void>
  /** The same rows are not what they were verified to be: they count as not verified. */
  refuted(rows: readonly VerifyRow[]): Promise<void>
  /** A verify of the whole integration begins: the ledger's time, in ms. */
  began(): Promise<number>
  /** It ended, and found no difference: what was written to both sides since counts as verified. */
  whole(integration: string, began: number): Promise<void>
  /** For a repair: `fresh` holds what the row knows, the other side owes it. False: the row has changed since. */
  reopen(row: VerifyRow, fresh: Side): Promise<boolean>
}

interface Row extends Address, Omit<VerifyRow, 'address' | 'version' | 'seq' | 'versions'> {
  readonly version: string
  readonly seq: string
  readonly legacy: string | null
  readonly new: string | null
}

const COLUMNS = `
  s.integration, s.customer, s.name, s.version, s.seq, s.fresh, s.deleted, s.current, s.quarantine,
  s.legacy_version as legacy, s.new_version as new,
  (select count(*)::int from jsonb_object_keys(s.ops)) as open`

// No `or $2 is null`: it would keep a generic plan from starting in the index at the page.
const PAGE = `select ${COLUMNS} from crossfade.secret s
  where s.integration = $1 and (s.customer, s.name) > (coalesce($2, ''), coalesce($3, '')) order by s.customer, s.name limit $4`

const AGAIN = `select ${COLUMNS} from unnest($1::text[], $2::text[], $3::text[]) a (integration, customer, name)
  join crossfade.secret s on (s.integration, s.customer, s.name) = (a.integration, a.customer, a.name)`

const judged = (verified: string) => `update crossfade.secret s set verified_version = ${verified}
  from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) a (integration, customer, name, version, seq)
  where (s.integration, s.customer, s.name) = (a.integration, a.customer, a.name) and s.version = a.version and s.seq = a.seq`
const VERIFIED = judged('a.version')
const REFUTED = judged('null')

// Only while it is enrolled: else nothing would take the mark away again.
const WHOLE = `insert into crossfade.checkpoint (integration, stage, position)
  select name, $2, $3::json from crossfade.integration where name = $1 and state = 'enrolled'
  on conflict (integration, stage) do update set position = excluded.position, at = clock_timestamp()`

const toRow = ({ integration, customer, name, version, seq, legacy, new: fresh, ...rest }: Row): VerifyRow => ({
  ...rest,
  versions: { ...(legacy === null ? {} : { legacy }), ...(fresh === null ? {} : { new: fresh }) },
  address: { integration, customer, name },
  version: Number(version),
  seq: Number(seq),
})

const columns = (addresses: readonly Address[]) => [
  addresses.map((a) => a.integration),
  addresses.map((a) => a.customer),
  addresses.map((a) => a.name),
]

const stamps = (rows: readonly VerifyRow[]) => [
  ...columns(rows.map((row) => row.address)),
  rows.map((row) => row.version),
  rows.map((row) => row.seq),
]

export const makeVerification = (database: Database): Verification => ({
  page: async (integration, after, limit) => {
    const values = [integration, after?.customer ?? null, after?.name ?? null, limit]
    return (await database.query<Row>('crossfade-verify-page', PAGE, values)).map(toRow)
  },
  again: async (addresses) => {
    const rows = (await database.query<Row>('crossfade-verify-again', AGAIN, columns(addresses))).map(toRow)
    const byKey = new Map(rows.map((row) => [addressKey(row.address), row]))
    return byAddress(addresses, (address) => byKey.get(addressKey(address)) ?? null)
  },
  verified: async (rows) => {
    if (rows.length > 0) await database.query('crossfade-verified', VERIFIED, stamps(rows))
  },
  refuted: async (rows) => {
    if (rows.length > 0) await database.query('crossfade-refuted', REFUTED, stamps(rows))
  },
  began: async () => {
    const [row] = await database.query<{ now: number }>('crossfade-now', 'select crossfade.now_ms()::float8 as now', [])
    return (row as { now: number }).now
  },
  whole: async (integration, began) => {
    await database.query('crossfade-whole', WHOLE, [integration, FULL_VERIFY, JSON.stringify({ began })])
  },
  reopen: async ({ address, version, seq }, fresh) => {
    const [row] = await database.query<{ reopened: boolean }>(
      'crossfade-reopen',
      'select crossfade.reopen($1::jsonb) as reopened',
      [JSON.stringify({ ...address, version, seq, fresh })],
    )
    return row?.reopened === true
  },
})
