import type { KeyObject } from 'node:crypto'
import { decrypt, encrypt, NONCE_BYTES } from '../gcm.ts'
import { survivesJsonb } from '../jsonb.ts'
import { SecretValue } from '../secret.ts'
import { isPlainText, utf8 } from '../secret-text.ts'
import type { ValueColumn } from './config.ts'

/** A value as it lies in its column, and back. Null: this column cannot hold it, or does not hold a value. */
export interface Codec {
  encode(value: SecretValue): Buffer | string | null
  decode(column: Buffer | string): { readonly kind: 'value'; readonly value: SecretValue } | Undecoded
  /** What a row that only marks a delete has in a column that may not be null. */
  readonly blank: Buffer | string
}
type Undecoded = { readonly kind: 'undecryptable' | 'corrupt' }

const UNBOUND = new Uint8Array()
const EMPTY = SecretValue.of(new Uint8Array())
const corrupt: Undecoded = { kind: 'corrupt' }

const found = (bytes: Uint8Array) => ({ kind: 'value', value: SecretValue.of(bytes) }) as const

const textCodec = (holds: (text: string) => boolean, blank: string): Codec => ({
  encode: (value) => {
    const text = utf8(value.open())
    return text !== null && isPlainText(text) && holds(text) ? text : null
  },
  decode: (column) => found(Buffer.from(column as string, 'utf8')),
  blank,
})

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const CODECS: Readonly<Record<ValueColumn, Codec>> = {
  // A view over the same bytes: `pg` takes Buffers only.
  bytea: {
    encode: (value) => bufferOf(value.open()),
    decode: (column) => found(column as Buffer),
    blank: Buffer.alloc(0),
  },
  text: textCodec(() => true, ''),
  json: textCodec(isJson, 'null'),
  jsonb: textCodec(survivesJsonb, 'null'),
  base64: {
    encode: (value) => bufferOf(value.open()).toString('base64'),
    decode: (column) => {
      const text = (column as string).replaceAll(/\s/g, '')
      const bytes = Buffer.from(text, 'base64')
      return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? found(bytes) : corrupt
    },
    blank: '',
  },
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** `key`: the old system's own; its layout is nonce, ciphertext, tag. `random` makes nonces. */
export function makeCodec(column: ValueColumn, key: KeyObject | null, random: (bytes: number) => Uint8Array): Codec {
  const inner = CODECS[column]
  if (!key) return inner
  const seal = (value: SecretValue): SecretValue => {
    const nonce = random(NONCE_BYTES)
    return SecretValue.of(Buffer.concat([nonce, encrypt(key, nonce, value.open(), UNBOUND)]))
  }
  return {
    encode: (value) => inner.encode(seal(value)),
    decode: (text) => {
      const outer = inner.decode(text)
      if (outer.kind !== 'value') return outer
      const bytes = outer.value.open()
      const plain = decrypt(key, bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES), UNBOUND)
      return plain ? found(plain) : { kind: 'undecryptable' }
    },
    blank: inner.encode(seal(EMPTY)) ?? '',
  }
}
