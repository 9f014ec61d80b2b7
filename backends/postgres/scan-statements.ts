import type { Statement } from '../sql/connection.ts'
import { isText, type KeyColumn } from './key.ts'
import { equal, fields, isDeleted, keyType, type Mapping, version } from './statements.ts'
import { quote, quotedTable } from './table.ts'

export interface ScanStatements {
  /** Whole integrations, in the order of the key's own index. */
  readonly first: Statement
  readonly next: Statement
  /** One customer, in byte order of names. */
  readonly customerFirst: Statement
  readonly customerNext: Statement
}

/** A database without an encoding may hold names that are no text at all: those travel as bytes, so that a page has them. */
export const hasRawNames = ({ facts }: Mapping): boolean => facts.encoding === 'SQL_ASCII'

/**
 * Pages by keyset. A whole integration is read in the order in which its columns compare, whatever their collation, so that
 * the index on the key gives it: sorting each page anew would read the integration once a page. One customer has
 * few names, and those are listed to clients, who are promised byte order.
 */
export function scanStatements(m: Mapping): ScanStatements {
  const sorted = m.key.columns.filter(({ part }) => part !== 'integration')
  const [integration] = m.key.columns.filter(({ part }) => part === 'integration')
  const [customer] = sorted as [KeyColumn]
  const names = sorted.slice(1)
  const columnOf = ({ column: name }: KeyColumn): string => `t.${quote(name)}`
  const given = (part: KeyColumn, n: number): string => `${sent(m, n)}::${keyType(m, part)}`
  const lead = integration ? [equal(m, integration, columnOf(integration), given(integration, 1))] : []
  const from = lead.length + 1
  const statement = (name: string, conditions: readonly string[], order: string, sentBefore: number): Statement => ({
    name: `crossfade_scan_${name}`,
    text:
      `SELECT ${m.key.columns.map((part) => `${read(m, columnOf(part))} AS ${part.alias}`).join(', ')}, ${version(m)}::text AS version ` +
      `FROM ${quotedTable(m.config)} AS t WHERE ${[...lead, ...conditions, ...named(m, sorted), `NOT ${isDeleted(m)}`].join(' AND ')} ` +
      `ORDER BY ${order} LIMIT $${from + sentBefore}::int`,
  })
  const order = sorted.map(columnOf).join(', ')
  const place = sorted.map((part, at) => given(part, from + at)).join(', ')
  const own = equal(m, customer, columnOf(customer), given(customer, from))
  const name = byteName(m, names)
  return {
    first: statement('first', [], order, 0),
    next: statement('next', [`(${order}) > (${place})`], order, sorted.length),
    customerFirst: statement('customer_first', [own], name, 1),
    customerNext: statement('customer_next', [own, `${name} > ${sent(m, from + 1)}::text`], name, 2),
  }
}

const sent = (m: Mapping, n: number): string => (hasRawNames(m) ? `convert_from($${n}::bytea, 'SQL_ASCII')` : `$${n}`)
const read = (m: Mapping, column: string): string =>
  hasRawNames(m) ? `convert_to(${column}::text, 'SQL_ASCII')` : `${column}::text`

/** A row with a null in its key has no name. */
const named = (m: Mapping, parts: readonly KeyColumn[]): readonly string[] =>
  nullableOf(m, parts).map(({ column }) => `t.${quote(column)} IS NOT NULL`)

const nullableOf = ({ facts }: Mapping, parts: readonly KeyColumn[]): readonly KeyColumn[] =>
  parts.filter((part) => facts.columns.some(({ name, nullable }) => name === part.column && nullable))

/** The name as `key.ts` joins it, in byte order; the bare column where that is its own order, so that its index serves. */
function byteName(m: Mapping, names: readonly KeyColumn[]): string {
  const [only] = names
  const facts = m.facts.columns.find((c) => c.name === only?.column)
  if (names.length === 1 && only && facts?.byte_order && isText(facts.type)) return `t.${quote(only.column)}`
  const texts = names.map(({ column: name }, at) => {
    const text = `t.${quote(name)}::text`
    return at < names.length - 1 ? `replace(replace(${text}, '\\', '\\\\'), '/', '\\/')` : text
  })
  return `(${texts.join(` || '/' || `)}) COLLATE "C"`
}

/**
 * Counts what no address leads to: rows of this integration without a customer or a name, and rows that have no integration,
 * or one under another spelling, which nobody ever lists. Null: no such row can be in this table.
 */
export function unaddressableStatement(m: Mapping): Statement | null {
  const [integration] = m.key.columns.filter(({ part }) => part === 'integration')
  const lacks = nullableOf(m, m.key.columns).map(({ part, column }) => ({ part, is: `t.${quote(column)} IS NULL` }))
  const column = integration && `t.${quote(integration.column)}`
  const other = column ? `lower(${column}::text) = $1::text AND ${column}::text <> $1::text` : 'false'
  const isOurs = column ? `${column}::text = $1::text` : '$1::text IS NOT NULL'
  if (lacks.length === 0 && !column) return null
  const count = (alias: string, condition: string): string => `count(*) FILTER (WHERE ${condition})::int AS ${alias}`
  const without = (part: string): string =>
    lacks
      .filter((lack) => lack.part === part)
      .map(({ is }) => is)
      .join(' OR ') || 'false'
  return {
    name: 'crossfade_unaddressable',
    text:
      `SELECT ${count('no_integration', without('integration'))}, ${count('spelled', other)}, ` +
      `${count('no_customer', `${isOurs} AND (${without('customer')})`)}, ` +
      `${count('no_name', `${isOurs} AND (${without('name')}) AND NOT (${without('customer')})`)} ` +
      `FROM ${quotedTable(m.config)} AS t WHERE (${[...lacks.map(({ is }) => is), other].join(' OR ')}) AND NOT ${isDeleted(m)}`,
  }
}

/** Some rows that have a name, with everything that a read has; not deleted ones. */
export function sampleStatement(m: Mapping): Statement {
  return {
    name: 'crossfade_sample',
    text:
      `SELECT ${fields(m)} FROM (SELECT 1) AS i(n) CROSS JOIN ${quotedTable(m.config)} AS t ` +
      `WHERE ${[`NOT ${isDeleted(m)}`, ...named(m, m.key.columns)].join(' AND ')} LIMIT $1::int`,
  }
}
