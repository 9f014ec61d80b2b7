import type { Address, Secret } from '../secret.ts'
import type { Store } from '../store.ts'
import type { Codec } from './codec.ts'
import type { PostgresConfig } from './config.ts'
import type { Ready } from './ready.ts'
import { unencoded } from './rows.ts'

/** Columns that hold the value as its own text; in the others it is bytes, or written in ASCII. */
const TEXTS: ReadonlySet<PostgresConfig['encoding']['column']> = new Set(['text', 'json', 'jsonb'])

/** Such a column is not encrypted, so that the address does not matter. */
const NOWHERE: Address = { integration: '', customer: '', name: '' }

/** Whether the database's encoding has every character; before the table was looked up nobody knows. */
export function holdsText(
  codec: Codec,
  { encoding }: PostgresConfig,
  ready: Ready | null,
  { value, contentType, metadata }: Secret,
): ReturnType<NonNullable<Store['holds']>> {
  if (ready === null || ready.mapping.facts.encoding === 'UTF8') return null
  const text = TEXTS.has(encoding.column) ? codec.encode(value, NOWHERE) : ''
  const isHeld = [String(text ?? ''), contentType ?? '', JSON.stringify(metadata)].every(ready.isHeld)
  return isHeld ? null : { reason: 'unrepresentable', detail: unencoded(ready.mapping) }
}
