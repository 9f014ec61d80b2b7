import type { Address, Secret } from '../backends/secret.ts'
import type { Side } from '../core/side.ts'
import type { Phase } from '../flags/phase.ts'

/** Who answered and why (I9): every outcome carries it, and the front turns it into headers. */
export interface Served {
  /** The side whose answer the client gets; null when neither was asked. */
  readonly by: Side | null
  readonly phase: Phase
  /** Why it is not the side that the phase names: `debt`, `error`, or null. */
  readonly fallback: 'debt' | 'error' | null
  /** The integration's policy let an answer through whose freshness could not be proven. */
  readonly unproven: boolean
}

/** If-Match with one or more strong tags, or `*`; If-None-Match: `*`. */
export type Precondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'match'; readonly etags: readonly string[] | '*' }
  | { readonly kind: 'none-match' }

export type ReadResult =
  | {
      readonly kind: 'found'
      readonly secret: Secret
      readonly etag: string
      readonly version: string | null
      readonly served: Served
    }
  | { readonly kind: 'absent'; readonly served: Served }

export interface WriteResult {
  readonly kind: 'written' | 'removed'
  /** Of the value written, without quotes; null after a delete. */
  readonly etag: string | null
  readonly version: string | null
  readonly served: Served
}

export interface ListEntry {
  readonly name: string
}

export interface ListResult {
  readonly entries: readonly ListEntry[]
  /** Pass as `after` for the next page; null after the last. */
  readonly next: string | null
  readonly served: Served
}

/** What the fronts call: an address, an operation, no HTTP. Refusals and outages reject with a `Fault` (proxy/faults.ts). */
export interface Secrets {
  read(address: Address, signal?: AbortSignal): Promise<ReadResult>
  /** `signal`: the client left. A write that has begun goes on all the same. */
  write(address: Address, secret: Secret, precondition: Precondition, signal?: AbortSignal): Promise<WriteResult>
  remove(address: Address, precondition: Precondition, signal?: AbortSignal): Promise<WriteResult>
  /** Up to `limit` names, and fewer, even none, where many were deleted; complete up to `next`. */
  list(
    integration: string,
    customer: string,
    page: { readonly limit: number; readonly after: string | null },
    signal?: AbortSignal,
  ): Promise<ListResult>
}
