/**
 * The SQL for one mapped table. Every write is one statement that judges its condition and its deadline itself:
 *
 * - `clock_timestamp() < deadline` in the WHERE: a late arrival touches no row. ON CONFLICT judges it after it has
 *   locked the row. An UPDATE or DELETE judges it before, and again only if the row it waited for was changed, so
 * - RETURNING judges it once more, after every lock wait and index insertion of the row, and divides by zero if the
 *   deadline has passed meanwhile: the error rolls the statement back.
 *
 * What remains is the time between that last check and the commit: deferred triggers, the flush of the log, and the
 * wait for a synchronous standby.
 *
 * A condition travels as text: NULL for "any", `none` for "still no row", else the token that a read gave.
 */
import type { Statement } from '../sql/connection.ts'
import { STORE_MS } from '../sql/database.ts'
import type { ContentRole, PostgresConfig } from './config.ts'
import { isLoose, isText, type Key, type KeyColumn } from './key.ts'
import { type ColumnFacts, quote, quotedTable, type TableFacts } from './table.ts'

export const NO_ROW = 'none'
export type WriteKind = 'any' | 'at' | 'new'
/** `put` writes a value, `tombstone` marks a row deleted and keeps its version, `erase` deletes the row. */
export type Effect = 'put' | 'tombstone' | 'erase'

/** What a write sends besides the address and the condition, where the table has a column for it. */
const CONTENT = ['value', 'content_type', 'metadata'] as const

export interface Mapping {
  readonly config: PostgresConfig
  readonly facts: TableFacts
  readonly key: Key
  /** Versions survive deletes: the version is the token. Else `xmin` is, which changes with every write of a row. */
  readonly fenced: boolean
}

const column = ({ config }: Mapping, role: ContentRole): string | null => {
  const name = config.columns[role]
  return name === undefined ? null : quote(name)
}
const need = (m: Mapping, role: ContentRole): string => quote(m.config.columns[role] as string)
const factsOfColumn = ({ facts }: Mapping, name: string | undefined): ColumnFacts | undefined =>
  facts.columns.find((c) => c.name === name)
const typeOfColumn = (m: Mapping, name: string | undefined): string => factsOfColumn(m, name)?.type ?? 'text'
const typeOf = (m: Mapping, role: ContentRole): string => typeOfColumn(m, m.config.columns[role])
const castOf = (m: Mapping, role: ContentRole): string => factsOfColumn(m, m.config.columns[role])?.cast ?? 'text'

/** The type in which a value of the key is sent: its column's own, so that the index is used. */
export const keyType = (m: Mapping, { column: name }: KeyColumn): string => {
  const facts = factsOfColumn(m, name)
  return facts === undefined || isText(facts.type) ? 'text' : facts.cast
}

export const version = (m: Mapping): string => {
  const name = column(m, 'version')
  return name ? `coalesce(t.${name}, 0)` : 'NULL'
}
const token = (m: Mapping): string => (m.fenced ? `('v' || ${version(m)})` : `('x' || t.xmin::text)`)

export const isDeleted = (m: Mapping): string => {
  const name = column(m, 'deleted')
  if (!name) return 'false'
  return typeOf(m, 'deleted') === 'boolean' ? `(t.${name} IS TRUE)` : `(t.${name} IS NOT NULL)`
}
const deletedValue = (m: Mapping, deleted: boolean): string => {
  if (typeOf(m, 'deleted') === 'boolean') return String(deleted)
  return deleted ? 'clock_timestamp()' : 'NULL'
}

/** The column's own equality, for its index, and where that takes different texts for equal, that of texts beside it. */
export const equal = (m: Mapping, { column: name }: KeyColumn, held: string, given: string): string =>
  isLoose(typeOfColumn(m, name)) ? `${held} = ${given} AND ${held}::text = ${given}::text` : `${held} = ${given}`

const sameKey = (m: Mapping): string =>
  m.key.columns.map((part) => equal(m, part, `t.${quote(part.column)}`, `i.${part.alias}`)).join(' AND ')

/** A row that is there under another spelling is another secret, and must not be written over. */
const sameSpelling = (m: Mapping): string =>
  m.key.columns
    .filter(({ column: name }) => isLoose(typeOfColumn(m, name)))
    .map(({ column: name }) => ` AND t.${quote(name)}::text = excluded.${quote(name)}::text`)
    .join('')

/** The roles of CONTENT that this table has, in the order in which a write sends them. */
export const contentRoles = ({ config }: Mapping): readonly (typeof CONTENT)[number][] =>
  CONTENT.filter((role) => config.columns[role] !== undefined)

/** What a statement is sent, each with its type. */
const wire = (m: Mapping, roles: readonly string[]): readonly (readonly [name: string, type: string])[] => [
  ...m.key.columns.map((part) => [part.alias, keyType(m, part)] as const),
  ...roles.map((role) => [role, role === 'value' && typeOf(m, 'value') === 'bytea' ? 'bytea' : 'text'] as const),
]

/** One row or many: a batch is `unnest` of one array a field; a single row is inlined (measured: 80 us, not 112). */
export type Width = 'one' | 'many'

const input = (m: Mapping, roles: readonly string[], width: Width): string => {
  const fields = wire(m, roles)
  if (width === 'one') {
    const scalars = fields.map(([name, type], at) => `$${at + 1}::${type} AS ${name}`).join(', ')
    return `input AS NOT MATERIALIZED (SELECT ${scalars}, 1 AS n)`
  }
  const arrays = fields.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ')
  return `input AS (SELECT * FROM unnest(${arrays}) WITH ORDINALITY AS i(${fields.map(([name]) => name).join(', ')}, n))`
}

interface Write {
  readonly mapping: Mapping
  readonly effect: Effect
  readonly inTime: string
}

/** What each role becomes, as expressions over `i` and `t`. */
function assignments({ mapping: m, effect }: Write, existing: boolean): [name: string, expression: string][] {
  const pairs: [string, string][] = []
  const set = (role: ContentRole, expression: string): void => {
    const name = column(m, role)
    if (name) pairs.push([name, expression])
  }
  if (effect === 'put' || !existing) {
    for (const role of contentRoles(m)) set(role, `i.${role}::${castOf(m, role)}`)
  }
  set('version', existing ? `${version(m)} + 1` : '1')
  set('updated_at', 'clock_timestamp()')
  set('deleted', deletedValue(m, effect === 'tombstone'))
  return pairs
}

const returning = ({ mapping: m, inTime }: Write): string =>
  `RETURNING ${m.key.columns.map(({ column: name, alias }) => `t.${quote(name)} AS ${alias}`).join(', ')}, ` +
  `${version(m)}::text AS version, ${token(m)} AS fence, 1 / (${inTime})::int AS in_time`

function insert(write: Write, where: string): string {
  const { mapping: m } = write
  const pairs: [string, string][] = [
    ...m.key.columns.map(({ column: name, alias }): [string, string] => [quote(name), `i.${alias}`]),
    ...assignments(write, false),
  ]
  return (
    `INSERT INTO ${quotedTable(m.config)} AS t (${pairs.map(([name]) => name).join(', ')}) ` +
    `SELECT ${pairs.map(([, expression]) => expression).join(', ')} FROM input i WHERE ${where} AND ${write.inTime} ` +
    `ON CONFLICT (${m.key.columns.map(({ column: name }) => quote(name)).join(', ')})`
  )
}

const setList = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([name, expression]) => `${name} = ${expression}`).join(', ')

/** ON CONFLICT sees the proposed row as `excluded`, not the input. */
const upsert = (write: Write): string => {
  const pairs = assignments(write, true).map(([name, expression]): [string, string] => [
    name,
    expression.startsWith('i.') ? `excluded.${name}` : expression,
  ])
  return `${insert(write, 'i.fence IS NULL')} DO UPDATE SET ${setList(pairs)} WHERE ${write.inTime}${sameSpelling(write.mapping)} ${returning(write)}`
}

const update = (write: Write, where: string): string =>
  `UPDATE ${quotedTable(write.mapping.config)} AS t SET ${setList(assignments(write, true))} FROM input i ` +
  `WHERE ${sameKey(write.mapping)} AND ${where} AND ${write.inTime} ${returning(write)}`

const erase = (write: Write, where: string): string =>
  `DELETE FROM ${quotedTable(write.mapping.config)} AS t USING input i ` +
  `WHERE ${sameKey(write.mapping)} AND ${where} AND ${write.inTime} ${returning(write)}`

/** Nothing to write: a removal on the condition that nothing is there, where no tombstone is kept. */
const nothing = (m: Mapping): string =>
  `SELECT ${m.key.columns.map(({ alias }) => `i.${alias}`).join(', ')}, NULL::text AS version, NULL::text AS fence, 1 AS in_time FROM input i WHERE false`

function piece(write: Write, kind: WriteKind): string {
  const keepsTombstones = write.effect === 'put' || write.mapping.fenced
  const holds = `i.fence <> '${NO_ROW}' AND ${token(write.mapping)} = i.fence`
  if (kind === 'new' && !keepsTombstones) return nothing(write.mapping)
  if (kind === 'new') return `${insert(write, `i.fence = '${NO_ROW}'`)} DO NOTHING ${returning(write)}`
  if (kind === 'at') return write.effect === 'erase' ? erase(write, holds) : update(write, holds)
  if (write.effect === 'erase') return erase(write, 'i.fence IS NULL')
  // Where versions do not survive, removing what is not there must leave no row behind.
  return keepsTombstones ? upsert(write) : update(write, 'i.fence IS NULL')
}

/** One statement for writes of these kinds; each row of the input gets one row of the answer, which carries its ordinal. */
export function writeStatement(mapping: Mapping, effect: Effect, kinds: readonly WriteKind[], width: Width): Statement {
  // A tombstone may be a row of its own, which then needs a value too.
  const roles = [...(effect === 'erase' ? [] : contentRoles(mapping)), 'fence']
  const inTime = `clock_timestamp() < to_timestamp($${mapping.key.columns.length + roles.length + 1}::float8 / 1000)`
  const write: Write = { mapping, effect, inTime }
  const pieces = kinds.map((kind) => `w_${kind} AS (${piece(write, kind)})`)
  const present =
    effect === 'put'
      ? 'true'
      : `EXISTS (SELECT FROM ${quotedTable(mapping.config)} AS t WHERE ${sameKey(mapping)} AND NOT ${isDeleted(mapping)})`
  const m = mapping.key.columns
  const written = kinds.map((kind) => `SELECT * FROM w_${kind}`).join(' UNION ALL ')
  return {
    name: `crossfade_${effect}_${kinds.join('_')}_${width}`,
    text:
      `WITH ${[input(mapping, roles, width), ...pieces, `written AS (${written})`].join(', ')} ` +
      `SELECT i.n::int AS n, ${m.map(({ alias }) => `w.${alias}::text AS ${alias}`).join(', ')}, ` +
      `w.in_time IS NOT NULL AS written, w.version, w.fence, ` +
      `${present} AS present, NOT ${inTime} AS late, ${STORE_MS} AS store_ms ` +
      `FROM input i LEFT JOIN written w ON ${m.map((part) => equal(mapping, part, `w.${part.alias}`, `i.${part.alias}`)).join(' AND ')}`,
  }
}

/** A row carries the ordinal of its question and its own key, so that the answer is matched by both (answers.ts). */
export const fields = (m: Mapping): string =>
  [
    'i.n::int AS n',
    ...m.key.columns.map(({ column: name, alias }) => `t.${quote(name)}::text AS ${alias}`),
    `t.${quote((m.key.columns[0] as KeyColumn).column)} IS NOT NULL AS present`,
    `${isDeleted(m)} AS deleted`,
    `t.${need(m, 'value')}${typeOf(m, 'value') === 'bytea' ? '' : '::text'} AS value`,
    `${column(m, 'content_type') ? `t.${need(m, 'content_type')}::text` : 'NULL'} AS content_type`,
    `${column(m, 'metadata') ? `t.${need(m, 'metadata')}::text` : 'NULL'} AS metadata`,
    `${version(m)}::text AS version`,
    `${token(m)} AS fence`,
  ].join(', ')

export interface ReadStatements {
  readonly one: Statement
  readonly many: Statement
}

export function readStatements(m: Mapping): ReadStatements {
  const table = quotedTable(m.config)
  const text = (width: Width): string =>
    `WITH ${input(m, [], width)} SELECT ${fields(m)} FROM input i LEFT JOIN ${table} AS t ON ${sameKey(m)}`
  return {
    one: { name: 'crossfade_get', text: text('one') },
    many: { name: 'crossfade_get_many', text: text('many') },
  }
}
