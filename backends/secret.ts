import { inspect } from 'node:util'

/** Where a secret lives, as the edge canonicalised it: the same strings are authorised, routed, audited and sent. */
export interface Address {
  readonly integration: string
  readonly customer: string
  /** One or more literal segments joined by `/`. */
  readonly name: string
}

const HIDDEN = '[secret]'

/**
 * The bytes of a secret. Nothing prints them: `toString`, `toJSON` and `inspect` give `[secret]`.
 * `open` is the one way in, and a house test lists the few files that may call it.
 */
export class SecretValue {
  readonly #bytes: Uint8Array

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  static of(bytes: Uint8Array): SecretValue {
    return new SecretValue(bytes)
  }

  static ofText(text: string): SecretValue {
    return new SecretValue(Buffer.from(text, 'utf8'))
  }

  /** Length in bytes. */
  get size(): number {
    return this.#bytes.byteLength
  }

  /** The bytes themselves; the caller must not keep, log or change them. */
  open(): Uint8Array {
    return this.#bytes
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}

/** What a client stored: value, content type (null where none was given) and custom metadata (lower-case keys). */
export interface Secret {
  readonly value: SecretValue
  readonly contentType: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** What a secret's content type is taken for where neither the client nor the store names one. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream'

/** A stable key for maps in memory; `\0` cannot occur in a canonical address. */
export const addressKey = (a: Address): string => `${a.integration}\0${a.customer}\0${a.name}`
