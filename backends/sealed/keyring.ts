import type { Failure } from '../sql/sqlstate.ts'
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

export type SealOutcome = { readonly kind: 'sealed'; readonly sealed: Sealed } | KeyringFailure
export type OpenOutcome =
  | { readonly kind: 'opened'; readonly plaintext: Uint8Array }
  /** Wrong key, wrong context, or not what was sealed: asking again changes nothing. */
  | { readonly kind: 'undecryptable' }
  | KeyringFailure
/** The keyring did not answer, or refused; nothing was stored. */
export interface KeyringFailure {
  readonly kind: 'failed'
  readonly failure: Failure
}

/**
 * One key per customer. Batches end to end: an outcome for each request, in order. Never rejects, and no outcome holds a
 * key. A customer's first key is made explicitly by the first `seal`, once, however many replicas race for it.
 */
export interface Keyring {
  seal(requests: readonly SealRequest[], call: Call): Promise<readonly SealOutcome[]>
  open(requests: readonly OpenRequest[], call: Call): Promise<readonly OpenOutcome[]>
  /** Makes the next version of a customer's key; what is sealed under older ones stays readable. */
  rotate(
    customer: string,
    call: Call,
  ): Promise<{ readonly kind: 'rotated'; readonly keyVersion: number } | KeyringFailure>
  check(call: Call): Promise<readonly StoreProblem[]>
}
