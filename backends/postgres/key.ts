/**
 * How an address lies in the columns of an old table, and back. The name may be spread over several columns: all but the
 * last hold one segment each, the last one the rest. So that no two rows have one name, a slash within one of the former
 * is written `\/`, and a backslash `\\`; the edge lets no backslash through, so nobody can ask for such a row, and the
 * inventory puts it aside. What is not the one form that a column's type prints (`007`, an upper-case UUID) is no name. A type
 * counts as what it is made of, so that a domain over text is text; one that is not known here is an error of the check.
 */
import type { Address } from '../secret.ts'
import { charsetOf } from './charset.ts'
import type { PostgresConfig } from './config.ts'
import type { ColumnFacts, TableFacts } from './table.ts'

export const KEY_PARTS = ['integration', 'customer', 'name'] as const
export type KeyPart = (typeof KEY_PARTS)[number]

/** One column of the key, in the order integration, customer, name. */
export interface KeyColumn {
  readonly part: KeyPart
  readonly column: string
  /** What a statement calls its value. */
  readonly alias: string
}

const TEXTS = ['text', 'character varying'] as const
/** Types whose equality is not that of texts, or that print less than they hold; their values are compared as text, too. */
const LOOSE = ['citext', 'character'] as const
const WHOLE = {
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
} as const

/** The types that a column of the key may have; each prints every value in one form. */
export const WORD_TYPES: readonly string[] = [...TEXTS, ...LOOSE, 'enum']
export const KEY_TYPES: readonly string[] = [...WORD_TYPES, ...Object.keys(WHOLE), 'uuid']
export const isLoose = (type: string): boolean => (LOOSE as readonly string[]).includes(type)
export const isText = (type: string): boolean => (TEXTS as readonly string[]).includes(type)

export function keyColumns({ columns }: PostgresConfig): readonly KeyColumn[] {
  const { integration, customer, name } = columns
  const named: (readonly [KeyPart, string])[] = [
    ...(typeof integration === 'string' ? [['integration', integration] as const] : []),
    ['customer', customer],
    ...(typeof name === 'string' ? [name] : name).map((column) => ['name', column] as const),
  ]
  return named.map(([part, column], at) => ({ part, column, alias: `k${at + 1}` }))
}

/** The one integration that the table holds, where it has no column for it. */
export const constantOf = ({ columns }: PostgresConfig): string | null =>
  typeof columns.integration === 'string' ? null : columns.integration.constant

export interface Key {
  readonly columns: readonly KeyColumn[]
  /** The values of the key's columns as text; null: the table cannot hold a secret of this address. */
  valuesOf(address: Address): readonly string[] | null
  /** Whether the customer's column can hold it. */
  holdsCustomer(customer: string): boolean
  /** Of the customer's and the name's columns. */
  placeOf(values: readonly string[]): Pick<Address, 'customer' | 'name'>
}

/** `facts`: null before the table was looked up, when only the shape of an address can be judged. */
export function makeKey(config: PostgresConfig, facts: TableFacts | null): Key {
  const columns = keyColumns(config)
  const constant = constantOf(config)
  const width = columns.filter(({ part }) => part === 'name').length
  const types = columns.map(({ column }) => facts?.columns.find(({ name }) => name === column) ?? TEXT)
  const isHeld = charsetOf(facts?.encoding ?? 'UTF8')
  return {
    columns,
    valuesOf: ({ integration, customer, name }) => {
      if (constant !== null && integration !== constant) return null
      const segments = split(name, width)
      if (segments === null) return null
      const values = [...(constant === null ? [integration] : []), customer, ...segments]
      return values.every((value, at) => isHeld(value) && isPrinted(value, types[at] ?? TEXT)) ? values : null
    },
    holdsCustomer: (customer) =>
      isPrinted(customer, types[columns.findIndex(({ part }) => part === 'customer')] ?? TEXT),
    placeOf: ([customer = '', ...segments]) => ({ customer, name: join(segments) }),
  }
}

type TypeFacts = Pick<ColumnFacts, 'type' | 'labels'>
const TEXT: TypeFacts = { type: 'text', labels: null }

const isPrinted = (text: string, { type, labels }: TypeFacts): boolean => {
  if (isText(type) || type === 'citext') return true
  if (type === 'character') return !text.endsWith(' ')
  if (labels) return labels.includes(text)
  if (type === 'uuid') return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
  const bounds = WHOLE[type as keyof typeof WHOLE]
  if (!bounds || !/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return false
  return BigInt(text) >= bounds[0] && BigInt(text) <= bounds[1]
}

export const join = (segments: readonly string[]): string =>
  segments
    .map((segment, at) =>
      at < segments.length - 1 ? segment.replaceAll('\\', '\\\\').replaceAll('/', '\\/') : segment,
    )
    .join('/')

/** The segments that `join` to this name; null if there are none. */
export function split(name: string, width: number): readonly string[] | null {
  const segments: string[] = []
  let rest = name
  while (segments.length < width - 1) {
    const head = /^((?:[^\\/]|\\[\\/])*)\/(.*)$/su.exec(rest)
    if (!head) return null
    segments.push((head[1] as string).replace(/\\([\\/])/g, '$1'))
    rest = head[2] as string
  }
  return [...segments, rest]
}
