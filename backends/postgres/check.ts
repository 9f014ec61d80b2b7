/**
 * What is wrong with a table and its mapping, all at once: the mapping (here), what this role may do and what makes writes
 * fail (check-rights.ts), and whether its rows can be read (sample.ts).
 */
import type { Database } from '../sql/database.ts'
import { unanswered } from '../sql/unanswered.ts'
import type { Call, CheckDepth, StoreProblem } from '../store.ts'
import { isFenced } from './capabilities.ts'
import { rightProblems, writeProblems } from './check-rights.ts'
import type { Codec } from './codec.ts'
import type { ContentRole, PostgresConfig } from './config.ts'
import { isText, KEY_TYPES, type KeyColumn, keyColumns, WORD_TYPES } from './key.ts'
import type { Preparing } from './ready.ts'
import { sampleProblems } from './sample.ts'
import { type ColumnFacts, type IndexFacts, mappedColumns, type TableFacts } from './table.ts'

/** What is wrong with a mapping. `warning`: it works, but not for everything, or slowly. */
export interface TableProblem extends StoreProblem {
  /** The column in question; null for the table as a whole. */
  readonly column: string | null
}

export interface CheckedStore {
  readonly database: Database
  readonly config: PostgresConfig
  readonly codec: Codec
  readonly looks: Preparing
}

const TEXT = ['text', 'character varying', 'citext']
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

/** Connects and reports every problem at once; an empty list means that it can be used. */
export async function checkStore(
  checked: CheckedStore,
  call: Call,
  depth: CheckDepth = 'settings',
): Promise<readonly StoreProblem[]> {
  const { config, looks } = checked
  const looked = await looks.lookUp(call)
  if (looked.kind === 'failed') return [unanswered(looked.failure.reason)]
  const { facts } = looked
  const problems = problemsOf(facts, config)
  if (depth === 'settings') return problems
  // Rows of a table that does not fit are not read.
  if (facts === null || problems.some(({ level, stops }) => level === 'error' && stops === undefined)) return problems
  const ready = await looks.anew(call)
  return ready.kind === 'failed' ? problems : [...problems, ...(await sampleProblems(checked, ready, call))]
}

export function problemsOf(facts: TableFacts | null, config: PostgresConfig): readonly TableProblem[] {
  if (!facts) return [error(null, `table ${config.table} does not exist, or may not be seen by this user`)]
  const kind = kindProblems(facts, config)
  // What is no table has no indexes either: more sentences would only mislead.
  if (kind.length > 0) return kind
  return [
    ...keyColumns(config).flatMap((part) => keyColumnProblems(facts, part)),
    ...contentProblems(facts, config),
    ...unmappedProblems(facts, config),
    ...doubleProblems(config),
    ...indexProblems(facts, config),
    ...rightProblems(facts, config).map((problem) => ({ column: null, ...problem })),
    ...writeProblems(facts, config).map((problem) => ({ column: null, ...problem })),
  ]
}

const KINDS: Readonly<Record<string, string>> = { v: 'a view', m: 'a materialized view', f: 'a foreign table' }

/** Rows of anything else have no `xmin`, and no unique index decides an upsert. */
function kindProblems({ kind, children }: TableFacts, config: PostgresConfig): TableProblem[] {
  const { table } = config
  const what = KINDS[kind]
  // Measured: an upsert into a partitioned table may not return the xmin of its row.
  if (kind === 'p' && !isFenced(config)) {
    return [error(null, `${table} is partitioned: conditional writes need columns for version and deleted there`)]
  }
  if (what !== undefined) return [error(null, `${table} is ${what}; expected a table`)]
  if (children.length === 0) return []
  const named = children.slice(0, 3).join(', ')
  const more = children.length > 3 ? ` and ${children.length - 3} more` : ''
  return [
    error(
      null,
      `${table} has children by INHERITS (${named}${more}): its key does not hold for their rows, so that one name could have two`,
    ),
  ]
}

const find = (facts: TableFacts, name: string): ColumnFacts | undefined =>
  facts.columns.find((column) => column.name === name)

const missing = (name: string, role: string): TableProblem => error(name, `column ${name} (${role}) does not exist`)

function wrongType({ name, type, declared }: ColumnFacts, role: string, wanted: readonly string[]): TableProblem[] {
  if (wanted.includes(type)) return []
  const is = declared === type || type === 'enum' || type === 'citext' ? declared : `${declared}, which is ${type}`
  return [error(name, `column ${name} (${role}) is ${is}; expected ${wanted.join(' or ')}`)]
}

function keyColumnProblems(facts: TableFacts, { part, column: name }: KeyColumn): TableProblem[] {
  const column = find(facts, name)
  if (!column) return [missing(name, part)]
  const wanted = part === 'integration' ? WORD_TYPES : KEY_TYPES
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
    .map(({ name }) => ({
      ...error(
        name,
        `column ${name} is NOT NULL without a default and is not mapped: inserts would fail; give it a default, such as now() or gen_random_uuid()`,
      ),
      stops: 'writes' as const,
    }))
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
    const near = nearest(facts.indexes, key)
    problems.push(
      error(null, `no unique index on exactly (${list}): two rows could have one name, and upserts need it${near}`),
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

/** The unique index that somebody may have thought of, and why it is none for this; empty where there is none. */
function nearest(indexes: readonly IndexFacts[], key: readonly string[]): string {
  const uniques = indexes.filter(({ unique }) => unique)
  const alike = uniques.filter(({ columns }) => key.every((name) => columns.includes(name)))
  const same = alike.find(({ columns }) => columns.length === key.length)
  const [index = uniques.find(({ columns }) => columns.some((name) => key.includes(name) || name === ''))] = same
    ? [same]
    : alike
  if (index === undefined) return ''
  const { name, columns, predicate, valid, deferred } = index
  if (predicate !== null) return `. ${name} is only over the rows WHERE ${predicate}`
  if (!valid) return `. ${name} is not valid: build it anew with REINDEX`
  if (deferred) return `. ${name} is DEFERRABLE, which no upsert can use`
  return columns.includes('')
    ? `. ${name} is over an expression: ${index.definition.replace(/^.* USING /, '')}`
    : `. ${name} is on (${columns.join(', ')})`
}
