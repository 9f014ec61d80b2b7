import type pg from 'pg'
import type { ColumnRole, PostgresConfig } from './config.ts'
import {
  type ColumnFacts,
  DESCRIBE,
  type DescribeRow,
  factsOf,
  isByteOrdered,
  quotedTable,
  type TableFacts,
} from './table.ts'

/** What is wrong with a mapping. `warning`: it works, but slowly. */
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
const TYPES: Readonly<Record<Exclude<ColumnRole, 'value'>, readonly string[]>> = {
  integration: TEXT,
  customer: TEXT,
  name: TEXT,
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
}
const ADDRESS = ['integration', 'customer', 'name'] as const

const error = (column: string | null, message: string): TableProblem => ({ level: 'error', column, message })
const warning = (column: string | null, message: string): TableProblem => ({ level: 'warning', column, message })

/** Connects and reports every problem of a mapping at once; an empty list means that it can be used. Rejects as `pg` does. */
export async function checkTable(pool: pg.Pool, config: PostgresConfig): Promise<readonly TableProblem[]> {
  const result = await pool.query<DescribeRow>(DESCRIBE.text, [quotedTable(config)])
  return problemsOf(factsOf(result.rows[0]), config)
}

export function problemsOf(facts: TableFacts | null, config: PostgresConfig): readonly TableProblem[] {
  if (!facts) return [error(null, `table ${config.table} does not exist, or may not be seen by this user`)]
  return [...columnProblems(facts, config), ...unmappedProblems(facts, config), ...keyProblems(facts, config)]
}

function columnProblems(facts: TableFacts, config: PostgresConfig): TableProblem[] {
  const found = new Map(facts.columns.map((column) => [column.name, column]))
  return (Object.entries(config.columns) as [ColumnRole, string][]).flatMap(([role, name]) => {
    const column = found.get(name)
    if (!column) return [error(name, `column ${name} (${role}) does not exist`)]
    return [...typeProblems(role, column, config), ...addressProblems(role, column)]
  })
}

function typeProblems(role: ColumnRole, column: ColumnFacts, config: PostgresConfig): TableProblem[] {
  const wanted = role === 'value' ? VALUE_TYPES[config.encoding.column] : TYPES[role]
  if (wanted.includes(column.type)) return []
  return [error(column.name, `column ${column.name} (${role}) is ${column.type}; expected ${wanted.join(' or ')}`)]
}

function addressProblems(role: ColumnRole, column: ColumnFacts): TableProblem[] {
  if (!ADDRESS.some((part) => part === role) || column.exact) return []
  return [error(column.name, `column ${column.name} (${role}) has a collation under which different names are equal`)]
}

function unmappedProblems(facts: TableFacts, config: PostgresConfig): TableProblem[] {
  const mapped = new Set(Object.values(config.columns))
  return facts.columns
    .filter((column) => column.required && !mapped.has(column.name))
    .map(({ name }) =>
      error(name, `column ${name} is NOT NULL without a default and is not mapped: inserts would fail`),
    )
}

function keyProblems(facts: TableFacts, config: PostgresConfig): TableProblem[] {
  const key = ADDRESS.map((part) => config.columns[part])
  const isKey = (columns: readonly string[]) => columns.length === 3 && key.every((name) => columns.includes(name))
  const problems: TableProblem[] = []
  if (!facts.indexes.some((index) => index.arbiter && isKey(index.columns))) {
    problems.push(error(null, `no unique index on exactly (${key.join(', ')}): upserts need one`))
  }
  const inOrder = facts.indexes.some(({ columns }) => key.every((name, at) => columns[at] === name))
  if (!inOrder) problems.push(warning(null, `no index begins with (${key.join(', ')}): each page of a scan sorts`))
  else if (!isByteOrdered(facts, config)) {
    problems.push(
      warning(null, `${key.join(', ')}: the collation is not "C", so each page of a scan sorts an integration`),
    )
  }
  return problems
}
