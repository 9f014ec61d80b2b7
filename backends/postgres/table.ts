import type { Statement } from '../sql/connection.ts'
import type { PostgresConfig } from './config.ts'
import { keyColumns } from './key.ts'

/** What the catalogue says of one column. */
export interface ColumnFacts {
  readonly name: string
  /** As `format_type` names it without a length: `text`, `character varying`, `bytea`, ... */
  readonly type: string
  /** Characters that a `varchar(n)` holds; null where there is no such limit. */
  readonly length: number | null
  readonly required: boolean
  readonly nullable: boolean
  /** The column's order is the order of bytes, so that its index lists names in that order. */
  readonly byte_order: boolean
  /** Different strings never compare equal. */
  readonly exact: boolean
}

export interface IndexFacts {
  readonly columns: readonly string[]
  /** Over every row, in its columns' own order. */
  readonly whole: boolean
  /** May decide an upsert: unique, valid, not partial, not deferrable. */
  readonly arbiter: boolean
}

export interface TableFacts {
  /** As pg_class calls it: `r` a table, `p` a partitioned one, `v` a view, ... */
  readonly kind: string
  readonly columns: readonly ColumnFacts[]
  readonly indexes: readonly IndexFacts[]
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const quotedTable = (config: PostgresConfig): string => config.table.split('.').map(quote).join('.')

/** Every column that a mapping names. */
export const mappedColumns = (config: PostgresConfig): readonly string[] => {
  const { integration: _integration, customer: _customer, name: _name, ...others } = config.columns
  return [
    ...keyColumns(config).map(({ column }) => column),
    ...Object.values(others).filter((column) => column !== undefined),
  ]
}

/** One row: `columns` is null if the table does not exist. Reads no value. */
export const DESCRIBE: Statement = {
  name: 'crossfade_describe',
  text: `
WITH target AS (SELECT to_regclass($1::text) AS oid),
db AS (
  -- The columns of pg_database differ from release to release; as JSON they are simply there or not.
  SELECT to_jsonb(d) AS facts FROM pg_database d WHERE datname = current_database()
),
cols AS (
  SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
    CASE WHEN a.atttypid = 'varchar'::regtype AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS length,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS required, NOT a.attnotnull AS nullable,
    coalesce(to_jsonb(c) ->> 'collisdeterministic', 'true') = 'true' AS exact,
    CASE WHEN c.collname = 'default'
      THEN coalesce(db.facts ->> 'datlocprovider', 'c') IN ('c', 'b')
        AND coalesce(db.facts ->> 'datlocale', db.facts ->> 'datcollate') IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8')
      ELSE c.collname IN ('C', 'POSIX', 'ucs_basic', 'pg_c_utf8', 'C.utf8', 'C.UTF-8') END AS byte_order
  FROM target CROSS JOIN db
  JOIN pg_attribute a ON a.attrelid = target.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_collation c ON c.oid = a.attcollation
),
idx AS (
  SELECT i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AS arbiter,
    i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND am.amname = 'btree' AND NOT EXISTS (
      SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[]) AS c(attnum, coll)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.attnum WHERE a.attcollation <> c.coll) AS whole,
    (SELECT json_agg(a.attname ORDER BY k.n)
     FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE k.n <= i.indnkeyatts) AS columns
  FROM target JOIN pg_index i ON i.indrelid = target.oid
  JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
)
SELECT (SELECT c.relkind::text FROM target JOIN pg_class c ON c.oid = target.oid) AS kind,
       (SELECT json_agg(cols) FROM cols) AS columns,
       (SELECT coalesce(json_agg(idx) FILTER (WHERE idx.columns IS NOT NULL), '[]') FROM idx) AS indexes`,
}

export interface DescribeRow {
  readonly kind: string
  readonly columns: readonly ColumnFacts[] | null
  readonly indexes: readonly IndexFacts[]
}

export const factsOf = (row: DescribeRow | undefined): TableFacts | null =>
  row?.columns ? { kind: row.kind, columns: row.columns, indexes: row.indexes } : null
