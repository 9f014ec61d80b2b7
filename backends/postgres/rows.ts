import type { Match, Ordinal } from '../answers.ts'
import { refused, unsure, writeFailure } from '../failure.ts'
import { type Address, DEFAULT_CONTENT_TYPE, type Secret } from '../secret.ts'
import { isPlainAddress, isPlainMetadata, isPlainText, looseMetadata } from '../secret-text.ts'
import type { Timed } from '../sql/database.ts'
import type { Condition, GetOutcome, PutOutcome, PutRequest, RefusalReason } from '../store.ts'
import type { Codec } from './codec.ts'
import type { ContentRole } from './config.ts'
import type { Ready } from './ready.ts'
import { contentRoles, type Mapping, NO_ROW, type WriteKind } from './statements.ts'

/** A row carries the ordinal of its question, and each column of its key as text, under its alias. */
export interface KeyedRow extends Ordinal {
  readonly [alias: `k${number}`]: string | null
}

export interface ReadRow extends KeyedRow {
  readonly present: boolean
  readonly deleted: boolean
  readonly value: Buffer | string | null
  readonly content_type: string | null
  readonly metadata: string | null
  readonly version: string | null
  readonly fence: string
}

export interface WrittenRow extends Timed, KeyedRow {
  readonly written: boolean
  readonly present: boolean
  readonly late: boolean
  readonly version: string | null
  readonly fence: string | null
}

/** The values of one row of a write, in the order of its parameters; or why this table cannot hold it. */
export type Encoded = ({ readonly kind: 'row' } & EncodedRow) | Unheld
export interface EncodedRow {
  /** The values of the key's columns, which `row` begins with. */
  readonly key: readonly string[]
  readonly row: readonly unknown[]
}
export interface Unheld {
  readonly kind: 'unheld'
  readonly reason: RefusalReason
  readonly detail?: string
}

export const fenceText = (condition: Condition): string | null => (condition.kind === 'any' ? null : condition.fence)

export const kindOf = (condition: Condition): WriteKind => {
  if (condition.kind === 'any') return 'any'
  return condition.fence === NO_ROW ? 'new' : 'at'
}

/** Whether the columns that a row carries are those asked; a row of nothing carries none. */
export const isOf = (
  row: KeyedRow & Partial<Pick<ReadRow & WrittenRow, 'present' | 'written'>>,
  asked: { readonly key: readonly string[] },
): boolean => (row.written ?? row.present) !== true || asked.key.every((text, at) => row[`k${at + 1}`] === text)

/** Not passing: another store must not be asked instead, as if nothing were there. */
const LOST: GetOutcome = { kind: 'error', reason: 'protocol', passing: false }

export function readOutcome(match: Match<ReadRow>, codec: Codec, address: Address): GetOutcome {
  if (match.kind === 'ambiguous') return { kind: 'unreadable', reason: 'ambiguous', version: null }
  if (match.kind !== 'one') return LOST
  const { row } = match
  if (!row.present) return { kind: 'absent', deleted: false, fence: NO_ROW }
  if (row.deleted) return { kind: 'absent', deleted: true, fence: row.fence }
  const { version, fence } = row
  const metadata = looseMetadata(row.metadata)
  if (row.value === null) return { kind: 'unreadable', reason: 'corrupt', version }
  const decoded = codec.decode(row.value, address)
  if (decoded.kind !== 'value') return { kind: 'unreadable', reason: decoded.kind, version }
  return { kind: 'found', secret: { value: decoded.value, contentType: row.content_type, metadata }, version, fence }
}

export function encodePut(
  put: PutRequest,
  { mapping, isHeld }: Pick<Ready, 'mapping' | 'isHeld'>,
  codec: Codec,
): Encoded {
  const { address, secret } = put
  const { columns, max_size } = mapping.config
  if (secret.value.size > max_size) return unheld('too-large')
  const beside = besideValue(secret, columns)
  if (beside !== null) return unheld('unrepresentable', beside)
  if (!isPlainAddress(address)) return unheld('unrepresentable')
  const key = mapping.key.valuesOf(address)
  const value = codec.encode(secret.value, address)
  if (key === null || value === null) return unheld('unrepresentable')
  const content = { value, content_type: secret.contentType, metadata: JSON.stringify(secret.metadata) }
  if (!Object.values(content).every((text) => typeof text !== 'string' || isHeld(text)))
    return unheld('unrepresentable', unencoded(mapping))
  if (!fitsLengths(key, content, mapping)) return unheld('too-large')
  const row = [...key, ...contentRoles(mapping).map((role) => content[role]), fenceText(put.condition)]
  return { kind: 'row', key, row }
}

/** The values of a removal: where a tombstone is a row of its own, it needs a value too. */
export function encodeRemove(
  address: Address,
  condition: Condition,
  mapping: Mapping,
  codec: Codec,
): EncodedRow | null {
  const key = mapping.key.valuesOf(address)
  if (key === null) return null
  const blank = { value: codec.blank(address), content_type: null, metadata: '{}' }
  const content = mapping.config.columns.deleted === undefined ? [] : contentRoles(mapping).map((role) => blank[role])
  return { key, row: [...key, ...content, fenceText(condition)] }
}

/** The statement was run, and each row of the input has one of the answer: without it nobody knows what was applied. */
const UNSEEN: PutOutcome = writeFailure(unsure('protocol'))

export function putOutcome(match: Match<WrittenRow>, condition: Condition): PutOutcome {
  if (match.kind !== 'one') return UNSEEN
  const { row } = match
  if (row.written) return { kind: 'done', version: row.version, fence: row.fence }
  if (row.late) return refused('late')
  // Not late, no condition, and yet no row: a trigger or a row policy swallowed it.
  return condition.kind === 'any' ? refused('rejected') : { kind: 'conflict' }
}

export function removeOutcome(match: Match<WrittenRow>, condition: Condition, mapping: Mapping): PutOutcome {
  if (match.kind !== 'one' || mapping.fenced) return putOutcome(match, condition)
  const { row } = match
  // A row that is only marked keeps its token; one that is gone leaves none.
  const gone = mapping.config.columns.deleted === undefined
  if (row.written) return { kind: 'done', version: null, fence: gone ? NO_ROW : row.fence }
  if (row.late) return refused('late')
  const wasMeant = condition.kind === 'any' || (condition.fence === NO_ROW && !row.present)
  return wasMeant ? { kind: 'done', version: null, fence: NO_ROW } : { kind: 'conflict' }
}

const unheld = (reason: RefusalReason, detail?: string): Unheld =>
  detail === undefined ? { kind: 'unheld', reason } : { kind: 'unheld', reason, detail }

export const unencoded = ({ facts }: Mapping): string =>
  `its database is in ${facts.encoding}, which has not every character of this`

/** What comes with the value and has no place here, and what to do; null: it can be kept. */
function besideValue({ contentType, metadata }: Secret, columns: Mapping['config']['columns']): string | null {
  // The default is what a missing content type is taken for, so it needs no column.
  if (!columns.content_type && contentType !== null && contentType !== DEFAULT_CONTENT_TYPE) return NO_CONTENT_TYPE
  if (contentType !== null && !isPlainText(contentType)) return 'the content-type header is no plain text'
  if (columns.metadata) return isPlainMetadata(metadata) ? null : 'its metadata is no plain text'
  return Object.keys(metadata).length === 0
    ? null
    : 'the table has no column for metadata: send no crossfade-meta header'
}

const NO_CONTENT_TYPE =
  'the table has no column for a content type: send content-type: application/octet-stream or none at all, or map columns.content_type'

/** Checked here, because an assignment to `varchar(n)` cuts trailing spaces off without a word. */
function fitsLengths(
  key: readonly string[],
  content: Readonly<Partial<Record<ContentRole, unknown>>>,
  { config, facts, key: { columns } }: Mapping,
): boolean {
  const texts = new Map<string | undefined, unknown>([
    ...(Object.entries(content) as [ContentRole, unknown][]).map(
      ([role, text]) => [config.columns[role], text] as const,
    ),
    ...columns.map(({ column }, at) => [column, key[at]] as const),
  ])
  return facts.columns.every(({ name, length }) => {
    const text = texts.get(name)
    return length === null || typeof text !== 'string' || [...text].length <= length
  })
}
