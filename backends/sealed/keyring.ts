import type { Failure } from '../failure.ts'
import type { Call, StoreProblem } from '../store.ts'

/** Plaintext to seal under the current key of `customer`, bound to `context`. */
export interface SealRequest {
  readonly customer: string
  readonly plaintext: Uint8Array
  /** Authenticated, not encrypted and not stored: whoever opens must name the same. */
  readonly context: Uint8Array
}

/** What is stored. A keyring whose ciphertext carries its own nonce leaves `nonce` empty. */
export interface Sealed {
  readonly keyVersion: number
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

export interface OpenRequest extends Sealed {
  readonly customer: string
  readonly context: Uint8Array
}

export type SealOutcome = { readonly kind: 'sealed'; readonly sealed: Sealed } | KeyRevoked | KeyringFailure
export type OpenOutcome =
  | { readonly kind: 'opened'; readonly plaintext: Uint8Array }
  /** Wrong key, wrong context, or not what was sealed: asking again changes nothing. */
  | { readonly kind: 'undecryptable' }
  | KeyRevoked
  | KeyringFailure
export type ResealOutcome =
  | { readonly kind: 'sealed'; readonly sealed: Sealed }
  /** Sealed under the newest version already. */
  | { readonly kind: 'current' }
  | { readonly kind: 'undecryptable' }
  | KeyRevoked
  | KeyringFailure

/** The customer's key was revoked or destroyed: no call can use it, and no call makes another. */
export interface KeyRevoked {
  readonly kind: 'revoked'
}
export const REVOKED: KeyRevoked = { kind: 'revoked' }

/** The keyring did not answer, or refused; nothing was stored. */
export interface KeyringFailure {
  readonly kind: 'failed'
  readonly failure: Failure
}

/** What became of a customer's key; `refused`: nothing was changed. */
export type KeyChange =
  /** Also when it was so already: each change may be sent again. `keyVersion`: the newest, null where none is left. */
  | { readonly kind: 'done'; readonly keyVersion: number | null }
  | { readonly kind: 'refused'; readonly why: KeyRefusal }
  | KeyringFailure
/** `unsupported`: this keyring cannot do it, as Vault has no soft delete of a key. */
export type KeyRefusal = 'no-key' | 'revoked' | 'destroyed' | 'unsupported'

/** Keys of `customer` after `after` (in byte order) that were wrapped anew under the newest root key. */
export type WrapPage =
  | {
      readonly kind: 'page'
      /** Keys that were looked at, those that were wrapped anew, and those that no configured root key unwraps. */
      readonly seen: number
      readonly wrapped: number
      readonly unusable: number
      /** Null after the last page. */
      readonly next: string | null
    }
  | KeyringFailure

/**
 * One key per customer. Batches end to end: an outcome for each request, in order. Never rejects, and no outcome holds a
 * key.
 *
 * A customer's first key is made explicitly by the first `seal`, once, however many replicas race for it, and only if
 * `{schema}.customer` (backends/sealed/customers.ts) has never heard of a key of this customer: a key that is missing
 * although there was one is `revoked`, and is never made again by a write.
 *
 * The store itself refuses what it knows to be revoked, before it asks the keyring and in every replica at once. The
 * keyring's `revoke` and `destroy` are about the key; `revoked` of `seal` and `open` is for a key that was revoked where
 * the store could not see it.
 */
export interface Keyring {
  seal(requests: readonly SealRequest[], call: Call): Promise<readonly SealOutcome[]>
  open(requests: readonly OpenRequest[], call: Call): Promise<readonly OpenOutcome[]>
  /** Seals anew under the newest version, bound to the same context; without the plaintext in this process where it can. */
  reseal(requests: readonly OpenRequest[], call: Call): Promise<readonly ResealOutcome[]>

  /** Makes the next version of a customer's key; what is sealed under older ones stays readable. */
  rotate(customer: string, call: Call): Promise<KeyChange>
  /** Makes the key unusable until `restore`. */
  revoke(customer: string, call: Call): Promise<KeyChange>
  restore(customer: string, call: Call): Promise<KeyChange>
  /** Ends the key for good, every version of it. */
  destroy(customer: string, call: Call): Promise<KeyChange>

  /**
   * Wraps keys anew under the newest root key: a page of customers strictly after `after`, or one customer alone. Null
   * where no root key of this program wraps the keys.
   */
  readonly rewrapKeys:
    | ((
        page: { readonly customer: string | null; readonly after: string | null; readonly limit: number },
        call: Call,
      ) => Promise<WrapPage>)
    | null

  /** As of a store (backends/store.ts). */
  pause?(): number
  /** Cheap proof that keys can be used now; null: they can. */
  ping(call: Call): Promise<KeyringFailure | null>
  /** `tables`: whether the store's own tables are there yet; without them nothing of this keyring's is in them. */
  check(call: Call, tables: boolean): Promise<readonly StoreProblem[]>
  close(): Promise<void>
}
