import type { Call, RefusalReason, UnknownReason } from './store.ts'

/** What an administrator may do to a customer's key. `destroy` cannot be taken back. */
export const KEY_CHANGES = ['rotate', 'revoke', 'restore', 'destroy'] as const
export type KeyChangeName = (typeof KEY_CHANGES)[number]

/**
 * The keys of a store that seals values under a key per customer. Nothing rejects, and no outcome holds a key. A change
 * counts in every replica at once, and may be sent again: what is so already is done.
 */
export interface KeyCare {
  /** What there is, counted; `rows` is null where counting takes longer than a call may. */
  survey(customer: string | null, call: Call): Promise<KeySurvey | KeyCareFailure>
  change(customer: string, change: KeyChangeName, call: Call): Promise<KeyChanged | KeyCareFailure>
  /** Customers whose key may be used, after `after` in byte order. */
  customers(after: string | null, limit: number, call: Call): Promise<KeyCustomers | KeyCareFailure>
  /**
   * Carries a page over to the newest keys: first the customers' keys to the newest root key, then every sealed version
   * to its customer's newest key. Contents, versions, ids and fences stay as they are. What is carried over already is
   * left alone, so it may be ended at any page and begun again.
   */
  rewrap(page: RewrapFrom, call: Call): Promise<RewrapPage | KeyCareFailure>
}

export interface KeySurvey {
  readonly kind: 'survey'
  readonly active: number
  readonly revoked: number
  readonly destroyed: number
  /** Sealed versions, of these customers. */
  readonly rows: number | null
}

export type KeyChanged =
  | { readonly kind: 'done'; readonly keyVersion: number | null }
  /** `unsupported`: the keyring cannot do it, as Vault cannot rotate a key that was deleted there. */
  | { readonly kind: 'refused'; readonly why: 'no-key' | 'revoked' | 'destroyed' | 'unsupported' }

export interface KeyCustomers {
  readonly kind: 'customers'
  readonly customers: readonly string[]
  readonly next: string | null
}

export interface RewrapFrom {
  readonly customer: string | null
  /** The `next` of the page before; opaque. */
  readonly after: string | null
  readonly limit: number
}

export interface RewrapPage {
  readonly kind: 'page'
  /** Customers' keys: looked at, wrapped anew, and under no root key that is configured. */
  readonly keys: { readonly seen: number; readonly wrapped: number; readonly unusable: number }
  readonly rows: {
    readonly seen: number
    readonly resealed: number
    readonly current: number
    readonly undecryptable: number
    readonly revoked: number
  }
  readonly next: string | null
}

export interface KeyCareFailure {
  readonly kind: 'failed'
  /** `cursor`: no page before gave this `after`. */
  readonly reason: RefusalReason | UnknownReason | 'cursor'
}
