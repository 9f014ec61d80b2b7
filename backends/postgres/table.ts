import type { Statement } from '../sql/connection.ts'
import type { PostgresConfig } from './config.ts'
import { keyColumns } from './key.ts'

/** What the catalogue says of one column. A domain is what it is made of: `base`, `length` and `cast` are its base type's. */
export interface ColumnFacts {
  readonly name: string
  /** As it was declared, for people: `text`, `character varying`, `slug`, ... */
  readonly declared: string
  /** The base type: `text`, `character varying`, `bytea`, ...; `citext` and `enum` for what is one, whatever its schema. */
  readonly type: string
  /** How SQL names the base type. */
  readonly cast: string
  /** The values of an enum, in its order; null for another type. */
  readonly labels: readonly string[] | null
  /** Characters that a `varchar(n)` or `char(n)` holds; null where there is no such limit. */
  readonly length: number | null
  readonly required: boolean
  readonly nullable: boolean
  /** The column's order is the order of bytes, so that its index lists names in that order. */
  readonly byte_order: boolean
  /** Different strings never compare equal. */
  readonly exact: boolean
  /** `generated` or `identity`: the table fills it itself and takes no value for it; null for another column. */
  readonly filled: string | null
  /** What this role may do with the column. */
  readonly may: { readonly select: boolean; readonly insert: boolean; readonly update: boolean }
}

export interface IndexFacts {
  readonly columns: readonly string[]
  /** Over every row, in its columns' own order. */
  readonly whole: boolean
  /** May decide an upsert: unique, valid, not partial, not deferrable. */
  readonly arbiter: boolean
  readonly name: string
  readonly unique: boolean
  readonly valid: boolean
  /** Unique at the end of a transaction only. */
  readonly deferred: boolean
  /** Of a partial index: which rows it is over. */
  readonly predicate: string | null
  /** As it was declared, for people. */
  readonly definition: string
}

export interface TableFacts {
  /** As pg_class calls it: `r` a table, `p` a partitioned one, `v` a view, ... */
  readonly kind: string
  readonly columns: readonly ColumnFacts[]
  readonly indexes: readonly IndexFacts[]
  /** Tables that inherit from it by INHERITS, and what it is itself such a child of. */
  readonly children: readonly string[]
  /** Row security applies to this role: rows may be hidden from it. */
  readonly row_security: boolean
  /** Rules that change what a write does. */
  readonly rules: readonly string[]
  /** What keeps updates and deletes from being written: it is published and has no replica identity. */
  readonly unidentified: boolean
  readonly may_delete: boolean
  /** Column grants do not reach it. */
  readonly may_select_xmin: boolean
  readonly may_use_schema: boolean
  /** Of the database: `UTF8`, `LATIN1`, ... */
  readonly encoding: string
  /** In recovery, or its transactions read only. */
  readonly read_only: boolean
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
  SELECT a.attname AS name, format_type(a.atttypid, NULL) AS declared,
    CASE WHEN base.typname = 'citext' THEN 'citext' WHEN base.typtype = 'e' THEN 'enum'
      ELSE format_type(base.oid, NULL) END AS type,
    CASE WHEN base.oid = 'bpchar'::regtype THEN 'bpchar' ELSE format_type(base.oid, NULL) END AS cast,
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = base.oid) AS labels,
    CASE WHEN base.oid IN ('varchar'::regtype, 'bpchar'::regtype) AND base.typmod > 4 THEN base.typmod - 4 END AS length,
    (a.attnotnull OR base.notnull) AND NOT a.atthasdef AND a.attidentity = '' AND NOT base.defaulted AS required,
    NOT (a.attnotnull OR base.notnull) AS nullable,
    coalesce(to_jsonb(c) ->> 'collisdeterministic', 'true') = 'true' AS exact,
    CASE WHEN c.collname = 'default'
      THEN coalesce(db.facts ->> 'datlocprovider', 'c') IN ('c', 'b')
        AND coalesce(db.facts ->> 'datlocale', db.facts ->> 'datcollate') IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8')
      ELSE c.collname IN ('C', 'POSIX', 'ucs_basic', 'pg_c_utf8', 'C.utf8', 'C.UTF-8') END AS byte_order,
    CASE WHEN coalesce(to_jsonb(a) ->> 'attgenerated', '') <> '' THEN 'generated'
      WHEN a.attidentity = 'a' THEN 'identity' END AS filled,
    json_build_object(
      'select', has_column_privilege(target.oid, a.attnum, 'select'),
      'insert', has_column_privilege(target.oid, a.attnum, 'insert'),
      'update', has_column_privilege(target.oid, a.attnum, 'update')) AS may
  FROM target CROSS JOIN db
  JOIN pg_attribute a ON a.attrelid = target.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_collation c ON c.oid = a.attcollation
  -- A domain may be one of a domain: what is not null, has a default or a length anywhere below has it above.
  CROSS JOIN LATERAL (
    WITH RECURSIVE below AS (
      SELECT t.*, a.atttypmod AS typmod, false AS notnull, false AS defaulted FROM pg_type t WHERE t.oid = a.atttypid
      UNION ALL
      SELECT t.*, CASE WHEN b.typtypmod >= 0 THEN b.typtypmod ELSE b.typmod END, b.notnull OR b.typnotnull,
        b.defaulted OR b.typdefault IS NOT NULL
      FROM below b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
    )
    SELECT b.oid, b.typname, b.typtype, b.typmod, b.notnull, b.defaulted FROM below b WHERE b.typtype <> 'd'
  ) base
),
idx AS (
  SELECT i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AS arbiter,
    i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND am.amname = 'btree' AND NOT EXISTS (
      SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[]) AS c(attnum, coll)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.attnum WHERE a.attcollation <> c.coll) AS whole,
    ic.relname AS name, i.indisunique AS unique, i.indisvalid AS valid, NOT i.indimmediate AS deferred,
    pg_get_expr(i.indpred, i.indrelid) AS predicate, pg_get_indexdef(i.indexrelid) AS definition,
    coalesce((SELECT json_agg(coalesce(a.attname, '') ORDER BY k.n)
     FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
     LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND a.attnum > 0
     WHERE k.n <= i.indnkeyatts), '[]') AS columns
  FROM target JOIN pg_index i ON i.indrelid = target.oid
  JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
)
SELECT (SELECT c.relkind::text FROM target JOIN pg_class c ON c.oid = target.oid) AS kind,
  (SELECT json_agg(cols) FROM cols) AS columns,
  (SELECT coalesce(json_agg(idx), '[]') FROM idx) AS indexes,
  (SELECT coalesce(json_agg(h.inhrelid::regclass::text ORDER BY 1), '[]')
   FROM target JOIN pg_inherits h ON h.inhparent = target.oid JOIN pg_class c ON c.oid = target.oid
   WHERE c.relkind <> 'p') AS children,
  (SELECT row_security_active(target.oid) FROM target JOIN pg_class c ON c.oid = target.oid) AS row_security,
  (SELECT coalesce(json_agg(r.rulename), '[]') FROM target JOIN pg_rewrite r ON r.ev_class = target.oid
   WHERE r.ev_type IN ('2', '3', '4') AND r.ev_enabled <> 'D') AS rules,
  (SELECT c.relreplident = 'n' OR c.relreplident = 'd' AND NOT EXISTS (
     SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
   FROM target JOIN pg_class c ON c.oid = target.oid
   WHERE EXISTS (
     SELECT FROM pg_publication p WHERE (p.pubupdate OR p.pubdelete) AND (p.puballtables OR EXISTS (
       SELECT FROM pg_publication_rel pr WHERE pr.prpubid = p.oid AND pr.prrelid = c.oid)))) IS TRUE AS unidentified,
  has_table_privilege(target.oid, 'delete') IS TRUE AS may_delete,
  has_table_privilege(target.oid, 'select') IS TRUE AS may_select_xmin,
  (SELECT has_schema_privilege(c.relnamespace, 'usage') FROM pg_class c WHERE c.oid = target.oid) IS TRUE AS may_use_schema,
  current_setting('server_encoding') AS encoding,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only
FROM target`,
}

export type DescribeRow = Omit<TableFacts, 'columns'> & { readonly columns: readonly ColumnFacts[] | null }

export const factsOf = (row: DescribeRow | undefined): TableFacts | null =>
  row?.columns ? { ...row, columns: row.columns } : null
