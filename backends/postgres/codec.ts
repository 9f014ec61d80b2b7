import type { KeyObject } from 'node:crypto'
import { survivesJsonb } from '../jsonb.ts'
import { type Address, SecretValue } from '../secret.ts'
import { isPlainText, utf8 } from '../secret-text.ts'
import { makeCipher, strictBytes, type TextForm } from './cipher.ts'
import type { PostgresConfig, ValueColumn } from './config.ts'

/** A value as it lies in its column, and back. Null: this column cannot hold it, or does not hold a value. */
export interface Codec {
  encode(value: SecretValue, address: Address): Buffer | string | null
  decode(column: Buffer | string, address: Address): { readonly kind: 'value'; readonly value: SecretValue } | Undecoded
  /** What a row that only marks a delete has in a column that may not be null. */
  blank(address: Address): Buffer | string
}
type Undecoded = { readonly kind: 'undecryptable' | 'corrupt' }

const EMPTY = new Uint8Array()
const corrupt: Undecoded = { kind: 'corrupt' }

const found = (bytes: Uint8Array) => ({ kind: 'value', value: SecretValue.of(bytes) }) as const

const textCodec = (holds: (text: string) => boolean, blank: string): Codec => ({
  encode: (value) => {
    const text = utf8(value.open())
    return text !== null && isPlainText(text) && holds(text) ? text : null
  },
  decode: (column) => found(Buffer.from(column as string, 'utf8')),
  blank: () => blank,
})

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const writtenCodec = (form: TextForm): Codec => ({
  encode: (value) => bufferOf(value.open()).toString(form),
  decode: (column) => {
    const bytes = strictBytes(column as string, form)
    return bytes ? found(bytes) : corrupt
  },
  blank: () => '',
})

const CODECS: Readonly<Record<ValueColumn, Codec>> = {
  // A view over the same bytes: `pg` takes Buffers only.
  bytea: {
    encode: (value) => bufferOf(value.open()),
    decode: (column) => found(column as Buffer),
    blank: () => Buffer.alloc(0),
  },
  text: textCodec(() => true, ''),
  json: textCodec(isJson, 'null'),
  jsonb: textCodec(survivesJsonb, 'null'),
  base64: writtenCodec('base64'),
  hex: writtenCodec('hex'),
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** `key`: the old system's own, or null where it does not encrypt. `random` makes nonces. */
export function makeCodec(
  { column, layout }: PostgresConfig['encoding'],
  key: KeyObject | null,
  random: (bytes: number) => Uint8Array,
): Codec {
  if (!key) return CODECS[column]
  const cipher = makeCipher(key, layout, column === 'base64' || column === 'hex' ? column : null, random)
  return {
    encode: (value, address) => cipher.seal(value.open(), address),
    decode: (stored, address) => {
      const plain = cipher.open(stored, address)
      return plain ? found(plain) : { kind: 'undecryptable' }
    },
    blank: (address) => cipher.seal(EMPTY, address),
  }
}
