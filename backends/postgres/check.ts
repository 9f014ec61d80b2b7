import type pg from 'pg'
import { isFenced } from './capabilities.ts'
import type { ContentRole, PostgresConfig } from './config.ts'
import { isText, KEY_TYPES, type KeyColumn, keyColumns } from './key.ts'
import {
  type ColumnFacts,
  DESCRIBE,
  type DescribeRow,
  factsOf,
  mappedColumns,
  quotedTable,
  type TableFacts,
} from './table.ts'

/** What is wrong with a mapping. `warning`: it works, but not for everything, or slowly. */
export interface TableProblem {
  readonly level: 'error' | 'warning'
  /** The column in question; null for the table as a whole. */
  readonly column: string | null
  readonly message: string
}

const TEXT = ['text', 'character varying']
const JSON_TYPES = ['json', 'jsonb']
const WHOLE = ['smallint', 'integer', 'bigint']
const TIME = ['timestamp with time zone', 'timestamp without time zone']

/** The types that each role takes; a value's depend on its encoding. */
const TYPES: Readonly<Record<Exclude<ContentRole, 'value'>, readonly string[]>> = {
  content_type: TEXT,
  metadata: [...JSON_TYPES, ...TEXT],
  version: WHOLE,
  updated_at: [...TIME, 'date'],
  deleted: ['boolean', ...TIME],
}
const VALUE_TYPES: Readonly<Record<PostgresConfig['encoding']['column'], readonly string[]>> = {
  bytea: ['bytea'],
  text: TEXT,
  json: ['json'],
  jsonb: ['jsonb'],
  base64: TEXT,
  hex: TEXT,
}

const error = (column: string | null, message: string): TableProblem => ({ level: 'error', column, message })
const warning = (column: string | null, message: string): TableProblem => ({ level: 'warning', column, message })

/** Connects and reports every problem of a mapping at once; an empty list means that it can be used. Rejects as `pg` does. */
export async function checkTable(pool: pg.Pool, config: PostgresConfig): Promise<readonly TableProblem[]> {
  const result = await pool.query<DescribeRow>(DESCRIBE.text, [quotedTable(config)])
  return problemsOf(factsOf(result.rows[0]), config)
}

export function problemsOf(facts: TableFacts | null, config: PostgresConfig): readonly TableProblem[] {
  if (!facts) return [error(null, `table ${config.table} does not exist, or may not be seen by this user`)]
  return [
    ...kindProblems(facts, config),
    ...keyColumns(config).flatMap((part) => keyColumnProblems(facts, part)),
    ...contentProblems(facts, config),
    ...unmappedProblems(facts, config),
    ...doubleProblems(config),
    ...indexProblems(facts, config),
  ]
}

const KINDS: Readonly<Record<string, string>> = { v: 'a view', m: 'a materialized view', f: 'a foreign table' }

/** Rows of anything else have no `xmin`, and no unique index decides an upsert. */
function kindProblems({ kind }: TableFacts, config: PostgresConfig): TableProblem[] {
  const { table } = config
  const what = KINDS[kind]
  // Measured: an upsert into a partitioned table may not return the xmin of its row.
  if (kind === 'p' && !isFenced(config)) {
    return [error(null, `${table} is partitioned: conditional writes need columns for version and deleted there`)]
  }
  return what === undefined ? [] : [error(null, `${table} is ${what}; expected a table`)]
}

const find = (facts: TableFacts, name: string): ColumnFacts | undefined =>
  facts.columns.find((column) => column.name === name)

const missing = (name: string, role: string): TableProblem => error(name, `column ${name} (${role}) does not exist`)

const wrongType = ({ name, type }: ColumnFacts, role: string, wanted: readonly string[]): TableProblem[] =>
  wanted.includes(type) ? [] : [error(name, `column ${name} (${role}) is ${type}; expected ${wanted.join(' or ')}`)]

function keyColumnProblems(facts: TableFacts, { part, column: name }: KeyColumn): TableProblem[] {
  const column = find(facts, name)
  if (!column) return [missing(name, part)]
  const wanted = part === 'integration' ? TEXT : KEY_TYPES
  const inexact = `column ${name} (${part}) has a collation under which different names are equal`
  const nullable = `column ${name} (${part}) may be null: rows where it is cannot be named and are not carried over`
  return [
    ...wrongType(column, part, wanted),
    ...(column.exact ? [] : [error(name, inexact)]),
    ...(column.nullable ? [warning(name, nullable)] : []),
  ]
}

function contentProblems(facts: TableFacts, config: PostgresConfig): TableProblem[] {
  const { integration: _integration, customer: _customer, name: _name, ...content } = config.columns
  return (Object.entries(content) as [ContentRole, string][]).flatMap(([role, name]) => {
    const column = find(facts, name)
    if (!column) return [missing(name, role)]
    return wrongType(column, role, role === 'value' ? VALUE_TYPES[config.encoding.column] : TYPES[role])
  })
}

function unmappedProblems(facts: TableFacts, config: PostgresConfig): TableProblem[] {
  const mapped = new Set(mappedColumns(config))
  return facts.columns
    .filter((column) => column.required && !mapped.has(column.name))
    .map(({ name }) =>
      error(name, `column ${name} is NOT NULL without a default and is not mapped: inserts would fail`),
    )
}

/** A column in two roles would be written twice in one statement, which PostgreSQL refuses at every write. */
function doubleProblems(config: PostgresConfig): TableProblem[] {
  const named = mappedColumns(config)
  return [...new Set(named.filter((name, at) => named.indexOf(name) !== at))].map((name) =>
    error(name, `column ${name} is mapped more than once`),
  )
}

function indexProblems(facts: TableFacts, config: PostgresConfig): TableProblem[] {
  const parts = keyColumns(config)
  const key = parts.map(({ column }) => column)
  const list = key.join(', ')
  const isKey = (columns: readonly string[]) =>
    columns.length === key.length && key.every((name) => columns.includes(name))
  const problems: TableProblem[] = []
  if (!facts.indexes.some((index) => index.arbiter && isKey(index.columns))) {
    problems.push(
      error(null, `no unique index on exactly (${list}): two rows could have one name, and upserts need it`),
    )
  }
  const inOrder = facts.indexes.some(({ columns, whole }) => whole && key.every((name, at) => columns[at] === name))
  if (!inOrder) problems.push(warning(null, `no index begins with (${list}): each page of a scan sorts the table`))
  const names = parts.filter(({ part }) => part === 'name')
  const only = names.length === 1 ? find(facts, (names[0] as KeyColumn).column) : undefined
  if (inOrder && !(only?.byte_order && isText(only.type))) {
    problems.push(
      warning(
        null,
        `${names.map(({ column }) => column).join(', ')}: not in byte order, so a listing sorts the customer's names`,
      ),
    )
  }
  return problems
}
