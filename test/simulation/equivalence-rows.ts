import type { Side } from '../../core/side.ts'
import type { Database } from '../../ledger/postgres/database.ts'
import type { Row } from './row.ts'

/*
 * Rows of both ledgers in one form, all columns but `changed_at`. Operation ids are replaced by their labels, since each
 * ledger makes up its own ids of claims.
 */

interface SqlOp {
  readonly k: string
  readonly v: number
  readonly a: boolean
  readonly x: boolean
  readonly d?: string
  readonly u: number
  readonly r?: object
}

interface SqlBefore {
  readonly v: number
  readonly f: string
  readonly c: string | null
  readonly n: boolean
  readonly u?: boolean
}

export interface SqlRow
  extends Omit<Row, 'ops' | 'before' | 'versions' | 'settleAfter' | 'version' | 'seq' | 'accepted'> {
  readonly integration: string
  readonly name: string
  readonly version: string
  readonly seq: string
  readonly ops: Readonly<Record<string, SqlOp>>
  readonly before: SqlBefore | null
  readonly legacy_version: string | null
  readonly new_version: string | null
  readonly verified_version: string | null
  readonly accepted_version: string | null
  readonly settle_after: number
}

const COLUMNS = `integration, name, version, fresh, seq, first, ops, before, known, blank, gone, deleted, loose, current,
  legacy_version, new_version, copied, verified_version, accepted_version, quarantine, attempts,
  (extract(epoch from settle_after) * 1000)::float8 as settle_after`

export const readRows = (database: Database, integrations: readonly string[]) =>
  database.query<SqlRow>('rows', `select ${COLUMNS} from crossfade.secret where integration = any ($1)`, [integrations])

type Label = (id: string) => string

/** JSON with sorted keys: equal texts are equal values. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

type Common =
  | 'fresh'
  | 'first'
  | 'known'
  | 'blank'
  | 'gone'
  | 'deleted'
  | 'loose'
  | 'current'
  | 'copied'
  | 'quarantine'
  | 'attempts'

const common = (row: Pick<SqlRow & Row, Common>) => ({
  fresh: row.fresh,
  first: row.first,
  known: row.known,
  blank: row.blank,
  gone: row.gone,
  deleted: row.deleted,
  loose: row.loose,
  current: row.current,
  copied: row.copied,
  quarantine: row.quarantine,
  attempts: row.attempts,
})

const before = (of: Row['before']) =>
  of && {
    ...{ v: of.version, f: of.fresh, c: of.current, n: of.foreign },
    ...(of.unknown ? { u: true } : {}),
  }

const relabel = <O, T>(ops: Readonly<Record<string, O>>, label: Label, form: (op: O) => T) =>
  Object.fromEntries(Object.entries(ops).map(([id, op]) => [label(id), form(op)]))

export const formOfSql = (row: SqlRow, label: Label): string =>
  canonical({
    ...common(row),
    version: Number(row.version),
    seq: Number(row.seq),
    ops: relabel(row.ops, label, ({ d = null, r = null, ...op }) => ({ ...op, d, r })),
    versions: {
      ...(row.legacy_version === null ? {} : { legacy: row.legacy_version }),
      ...(row.new_version === null ? {} : { new: row.new_version }),
    } satisfies Partial<Record<Side, string>>,
    before: row.before,
    verified: row.verified_version,
    accepted: row.accepted_version === null ? null : Number(row.accepted_version),
    settleAfter: String(row.settle_after),
  })

export const formOfSim = (row: Row, label: Label): string =>
  canonical({
    ...common(row),
    version: row.version,
    seq: row.seq,
    ops: relabel(row.ops, label, (op) => ({
      k: op.kind,
      v: op.version,
      a: op.alone,
      x: op.exclusive,
      d: op.fingerprint,
      u: op.until,
      r: op.answer,
    })),
    versions: row.versions,
    before: before(row.before),
    verified: null,
    accepted: row.accepted,
    settleAfter: String(row.settleAfter),
  })
