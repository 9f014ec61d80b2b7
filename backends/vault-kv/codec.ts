import { canonicalJson, isMap, parseCanonical } from '../canonical-json.ts'
import { countStrings, survivesDoubles, survivesLiterals } from '../json-kept.ts'
import { type Secret, SecretValue } from '../secret.ts'
import { isPlainMetadata, isPlainText, utf8 } from '../secret-text.ts'
import type { RefusalReason } from '../store.ts'
import type { ValueForm, VaultKvConfig } from './config.ts'
import { isMarker, type Own, readOwn } from './own-field.ts'

export type Encoded =
  | { readonly kind: 'data'; readonly json: string }
  | { readonly kind: 'unheld'; readonly reason: RefusalReason }

export type Decoded =
  | { readonly kind: 'secret'; readonly secret: Secret }
  | { readonly kind: 'removed' }
  | { readonly kind: 'corrupt' }

/** A secret as the data of a secrets engine, and back. What the engine would change is refused before it is sent. */
export interface Codec {
  encode(secret: Secret): Encoded
  /** `data` as `parseCanonical` gives it; `custom`: the custom metadata beside it, or null. */
  decode(data: unknown, custom: Readonly<Record<string, string>> | null): Decoded
  /** The data of a version that ends a secret. */
  readonly marker: string
}

type Fields = Readonly<Record<string, unknown>>

/** One form: the fields of a value, and what the own field adds; null: it cannot hold the value. */
interface Form {
  write(value: SecretValue): { readonly fields: Fields; readonly own: Own } | null
  /** `rest`: the data without the own field. */
  read(rest: Fields, own: Own): SecretValue | null
  readonly parts: readonly (keyof Own)[]
}

export function makeCodec(config: Pick<VaultKvConfig, 'version' | 'value' | 'max_size' | 'max_strings'>): Codec {
  const { own_field: ownField, custom_metadata: customMetadata } = config.value
  const form = FORMS[config.value.as](config)
  const parts = [...form.parts, 'content_type', 'metadata'] as const
  /** Where custom metadata counts, a write of ours says that it has its own, even if that is empty. */
  const says = customMetadata === 'read'

  const encode = (secret: Secret): Encoded => {
    if (secret.value.size > config.max_size) return unheld('too-large')
    if (!isHeld(secret)) return unheld('unrepresentable')
    const written = form.write(secret.value)
    if (written === null) return unheld('unrepresentable')
    const own: Own = { ...written.own, ...described(secret, says) }
    const json = JSON.stringify({ ...written.fields, ...(Object.keys(own).length > 0 && { [ownField]: own }) })
    return countStrings(json) + ENVELOPE_STRINGS > config.max_strings ? unheld('too-large') : { kind: 'data', json }
  }

  const decode = (data: unknown, custom: Readonly<Record<string, string>> | null): Decoded => {
    if (!isMap(data)) return CORRUPT
    const { [ownField]: mine, ...rest } = data
    if (Object.keys(rest).length === 0 && isMarker(readOwn(mine, ['removed']) ?? {})) return { kind: 'removed' }
    const own = readOwn(mine, parts)
    const value = own && form.read(withoutPrototype(rest), own)
    if (!own || !value) return CORRUPT
    const metadata = own.metadata ?? (says ? custom : null) ?? {}
    return { kind: 'secret', secret: { value, contentType: own.content_type ?? null, metadata } }
  }
  return { encode, decode, marker: JSON.stringify({ [ownField]: { removed: true } satisfies Own }) }
}

/** `data`, `options` and `cas` of the request around it. */
const ENVELOPE_STRINGS = 3
/** What the own field may need beside metadata, so that what both sides can hold is known before anything is sent. */
export const OWN_STRINGS = 12

const CORRUPT: Decoded = { kind: 'corrupt' }
const unheld = (reason: RefusalReason): Encoded => ({ kind: 'unheld', reason })

/** Rest properties make an ordinary object, in which `__proto__` is a key all the same. */
const withoutPrototype = (fields: Fields): Fields => Object.assign(Object.create(null), fields)

const isHeld = ({ contentType, metadata }: Secret): boolean =>
  isPlainMetadata(metadata) && (contentType === null || isPlainText(contentType))

const described = ({ contentType, metadata }: Secret, says: boolean): Own => ({
  ...(contentType !== null && { content_type: contentType }),
  ...((says || Object.keys(metadata).length > 0) && { metadata }),
})

/** Text that a person would write: control characters other than white space cost six bytes each in JSON. */
const NOT_TEXT = /(?![\t\n\r])\p{Cc}/u

const base64Of = (value: SecretValue): string => Buffer.from(value.open()).toString('base64')

function fromBase64(text: string): SecretValue | null {
  const plain = text.replaceAll(/\s/g, '')
  const bytes = Buffer.from(plain, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === plain.replace(/=+$/, '') ? SecretValue.of(bytes) : null
}

/** The text of the one field; null if there is anything else, which a put would lose without a word. */
function onlyField(rest: Fields, field: string): string | null {
  const text = rest[field]
  return Object.keys(rest).length === 1 && typeof text === 'string' ? text : null
}

type FormConfig = Parameters<typeof makeCodec>[0]

const FORMS: Readonly<Record<ValueForm, (config: FormConfig) => Form>> = {
  text: ({ value: { field } }) => ({
    parts: ['encoding'],
    write: (value) => {
      const text = utf8(value.open())
      return text !== null && !NOT_TEXT.test(text)
        ? { fields: { [field]: text }, own: {} }
        : { fields: { [field]: base64Of(value) }, own: { encoding: 'base64' } }
    },
    read: (rest, own) => {
      const text = onlyField(rest, field)
      if (text === null) return null
      return own.encoding === 'base64' ? fromBase64(text) : SecretValue.ofText(text)
    },
  }),
  base64: ({ value: { field } }) => ({
    parts: [],
    write: (value) => ({ fields: { [field]: base64Of(value) }, own: {} }),
    read: (rest) => {
      const text = onlyField(rest, field)
      return text === null ? null : fromBase64(text)
    },
  }),
  map: (config) => mapForm(config.version, config.value.own_field),
}

/** Version 1 keeps number literals, version 2 reads them into doubles; version 1 takes no empty map. */
function mapForm(version: 1 | 2, ownField: string): Form {
  const survives = version === 1 ? survivesLiterals : survivesDoubles
  const isOwnMap = (document: unknown): document is Fields =>
    isMap(document) && !Object.hasOwn(document, ownField) && (version === 2 || Object.keys(document).length > 0)
  return {
    parts: ['json'],
    write: (value) => {
      const text = utf8(value.open())
      if (text === null || canonicalJson(text) === null || !survives(text)) return null
      const document = parseCanonical(text)
      return isOwnMap(document) ? { fields: document, own: {} } : { fields: {}, own: { json: document } }
    },
    read: (rest, own) => {
      if (!Object.hasOwn(own, 'json')) return SecretValue.ofText(JSON.stringify(rest))
      return Object.keys(rest).length === 0 ? SecretValue.ofText(JSON.stringify(own.json)) : null
    },
  }
}
