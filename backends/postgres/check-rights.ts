import type { StoreProblem } from '../store.ts'
import { isFenced } from './capabilities.ts'
import type { ContentRole, PostgresConfig } from './config.ts'
import { keyColumns } from './key.ts'
import { type IndexFacts, mappedColumns, type TableFacts } from './table.ts'

const error = (message: string): StoreProblem => ({ level: 'error', message })
const ofWrites = (message: string): StoreProblem => ({ level: 'error', message, stops: 'writes' })
const warning = (message: string): StoreProblem => ({ level: 'warning', message })

/** What this role may not do, by table and column, and what it may not see. */
export function rightProblems(facts: TableFacts, config: PostgresConfig): readonly StoreProblem[] {
  const { table } = config
  const mapped = facts.columns.filter(({ name }) => mappedColumns(config).includes(name))
  const lacking = (right: 'select' | 'insert' | 'update', columns = mapped): string | null => {
    const without = columns.filter(({ may }) => !may[right]).map(({ name }) => name)
    if (without.length === 0) return null
    const where = without.length === columns.length ? table : `${table} (${without.join(', ')})`
    return `this role lacks ${right.toUpperCase()} on ${where}`
  }
  const key = new Set(keyColumns(config).map(({ column }) => column))
  const select = lacking('select')
  const insert = lacking('insert')
  const update = lacking(
    'update',
    mapped.filter(({ name }) => !key.has(name)),
  )
  const erases = config.columns.deleted === undefined
  return [
    ...(facts.may_use_schema ? [] : [error(`this role lacks USAGE on the schema of ${table}`)]),
    ...(select === null ? [] : [error(`${select}: every read would be denied`)]),
    ...(select !== null || facts.may_select_xmin || isFenced(config)
      ? []
      : [
          error(
            `this role lacks SELECT on xmin of ${table}, which grants by column do not reach: grant SELECT on the table, or map version and deleted`,
          ),
        ]),
    ...(insert === null ? [] : [ofWrites(`${insert}: every write would be denied`)]),
    ...(update === null ? [] : [ofWrites(`${update}: writes of what is there would be denied`)]),
    ...(facts.may_delete || !erases ? [] : [ofWrites(`this role lacks DELETE on ${table}: deletes would be denied`)]),
    ...(facts.row_security
      ? [
          error(
            `row security applies to this role on ${table}: rows may be hidden from it; give it BYPASSRLS, or connect as the owner`,
          ),
        ]
      : []),
  ]
}

/** What makes a write fail although the role may: the server, the encoding, the table's own definitions. */
export function writeProblems(facts: TableFacts, config: PostgresConfig): readonly StoreProblem[] {
  const { table } = config
  const filled = facts.columns.filter(({ name, filled: by }) => by !== null && mappedColumns(config).includes(name))
  return [
    ...(facts.read_only
      ? [
          {
            ...ofWrites('the server takes no writes now: it is in recovery, or transactions are read only'),
            passing: true as const,
          },
        ]
      : []),
    ...(facts.encoding === 'UTF8'
      ? []
      : [
          warning(
            `the database is in ${facts.encoding}, not UTF8: a secret with a character that it has not is refused`,
          ),
        ]),
    ...filled.map(({ name, filled: by }) =>
      ofWrites(
        `column ${name} is ${by === 'generated' ? 'generated' : 'GENERATED ALWAYS AS IDENTITY'}: nothing can be written to it`,
      ),
    ),
    ...(facts.rules.length === 0
      ? []
      : [ofWrites(`${table} has rules (${facts.rules.join(', ')}), which an upsert does not go through`)]),
    ...(facts.unidentified
      ? [
          ofWrites(
            `${table} is published and has no replica identity: updates and deletes fail; alter table ... replica identity using index`,
          ),
        ]
      : []),
    ...facts.indexes.flatMap((index) => otherUnique(index, config)),
    ...versionProblems(facts, config),
  ]
}

/** A second unique index over what is written refuses secrets that another store takes. */
function otherUnique({ name, unique, valid, columns, definition }: IndexFacts, config: PostgresConfig): StoreProblem[] {
  const key = keyColumns(config).map(({ column }) => column)
  const isKey = columns.length === key.length && key.every((column) => columns.includes(column))
  const mapped = new Set([...mappedColumns(config), ''])
  if (!unique || !valid || isKey || !columns.some((column) => mapped.has(column))) return []
  return [
    warning(
      `unique index ${name} (${definition.replace(/^.* USING /, '')}) may refuse secrets that the other store takes`,
    ),
  ]
}

/** A version counts up from 1 for each secret: a column that is unique by itself, or drawn from a sequence, is none. */
function versionProblems(facts: TableFacts, { columns }: PostgresConfig): StoreProblem[] {
  const { version } = columns satisfies Partial<Record<ContentRole, unknown>>
  if (version === undefined) return []
  const alone = facts.indexes.find(
    ({ unique, columns: [first, ...more] }) => unique && first === version && more.length === 0,
  )
  return alone === undefined
    ? []
    : [
        error(
          `column ${version} (version) has a unique index of its own (${alone.name}): it counts rows, not writes of one secret`,
        ),
      ]
}
