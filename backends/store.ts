import type { Answers } from './answers.ts'
import type { Verdict } from './judged.ts'
import type { KeyCare } from './key-care.ts'
import type { Address, Secret } from './secret.ts'

/**
 * The port to one store. Every adapter passes the conformance suite (test/backends/conformance.ts), which is the
 * definition of an adapter. Expected failures are outcomes, never exceptions; no outcome ever holds a value or a
 * driver's message that could quote one.
 */
export interface Store {
  /** The name in the configuration, for metrics and people. */
  readonly name: string
  readonly kind: string
  readonly capabilities: Capabilities
  /** The care for the keys that values are sealed under; only where a store has such keys. */
  readonly keys?: KeyCare

  /** Reads one secret from the primary. Several at once share one round trip where the store can. */
  get(address: Address, call: Call): Promise<GetOutcome>
  /** As `get`, of at most `capabilities.batch.max` addresses; one that occurs twice is asked once and has one answer. */
  getMany(addresses: readonly Address[], call: Call): Promise<Answers<Address, GetOutcome>>

  /** Writes one secret. Lands only while `call.landBy` has not passed if `capabilities.bound` says so. */
  put(address: Address, secret: Secret, condition: Condition, call: Call): Promise<PutOutcome>
  /** An outcome for each of the very requests given; two of one secret are written in the order given. */
  putMany(puts: readonly PutRequest[], call: Call): Promise<Answers<PutRequest, PutOutcome>>

  /** Removes one secret; a secret that is not there is `done`, with its version if the store keeps one. */
  remove(address: Address, condition: Condition, call: Call): Promise<PutOutcome>

  /**
   * A page of names (never values), strictly after `after`: of one customer in byte order of names, of a whole integration
   * in an order of the store's own, which is the same at every call.
   */
  scan(integration: string, page: ScanPage, call: Call): Promise<ScanOutcome>

  /**
   * Whether a secret of this address can lie in this store at all; asked before anything is sent, so that a name which only
   * one side can have is refused and not owed for ever. Absent: every address of well-formed text can.
   */
  names?(address: Address): boolean

  /**
   * What the store holds for an integration and no address leads to, such as rows without a customer, counted by why: no
   * inventory sees it, so that nothing else would say that it stays behind. Absent: there can be none.
   */
  unaddressable?(integration: string, call: Call): Promise<UnaddressableOutcome>

  /**
   * Why this store cannot hold this secret unchanged, as far as it is known without asking, such as a character that its
   * encoding has not; asked before anything is sent. Absent: what `capabilities` say is all.
   */
  holds?(secret: Secret): { readonly reason: RefusalReason; readonly detail: string } | null

  /** ms for which it wants to be left alone by what can wait, since its rate limit was met; 0: it does not. Absent: never. */
  pause?(): number

  /** Cheap proof that the store answers. */
  ping(call: Call): Promise<PingOutcome>

  /**
   * Which one it is, of all that could be reached by the same names: what it carries itself, and keeps when it moves. `make`: a
   * store that makes its own tables does so first; else it changes nothing.
   */
  identity(call: Call, make: boolean): Promise<IdentityOutcome>

  /**
   * What is wrong with the store as configured, all at once; an empty list means that it can be used. Asked by `config check`,
   * and while it is served (judged.ts), where an error stops the calls that it would spoil.
   */
  check(call: Call, depth?: CheckDepth): Promise<readonly StoreProblem[]>

  /** What its check said last, where it is judged while it is served (judged.ts). */
  verdict?(): Verdict
  /** Has it judged now; never rejects. */
  judge?(): Promise<void>

  /** Gives back connections; the store is not used afterwards. */
  close(): Promise<void>
}

/** `rows`: a sample of what is stored is read and decoded, too, as a rehearsal. */
export type CheckDepth = 'settings' | 'rows'

/** One call's limits. */
export interface Call {
  /** On the caller's monotonic clock (`performance.now()`), in ms: how long the caller waits. */
  readonly deadline: number
  /**
   * On the same clock: after it nothing of this call may land where `bound` holds. `deadline` if not said; later where
   * the caller can live with a later end than it waits for, which is when its operation ends.
   */
  readonly landBy?: number
  /** Stops waiting; what was sent may still land, so a put that was sent becomes `unknown`. */
  readonly signal?: AbortSignal
}

/** A token that a store gave with a read and compares at a write. Opaque; only equality at the store counts. */
export type Fence = string

/** `any`: write whatever is there. `at`: only if the store still holds what the fence was read with. */
export type Condition = { readonly kind: 'any' } | { readonly kind: 'at'; readonly fence: Fence }

export const ANY: Condition = { kind: 'any' }

export interface PutRequest {
  readonly address: Address
  readonly secret: Secret
  readonly condition: Condition
}

/** Why a store said no, for certain: nothing was or will be applied. */
export type RefusalReason =
  | 'unavailable' // never reached the store: connection refused, breaker open, bulkhead full
  | 'unrepresentable' // this store cannot hold the value, content type or metadata unchanged
  | 'throttled' // it is asked too often and did not look at this; soon it may
  | 'too-large'
  | 'denied' // the store's own authorisation said no
  | 'revoked' // the customer's key at this store was revoked or destroyed
  | 'rejected' // the store understood and refused: a constraint, sealed
  | 'unfit' // its own check says that it cannot be used; `detail` has the sentence
  | 'late' // the time by which it might land had passed; the store checked it

/** Why nobody can say whether it was applied. */
export type UnknownReason = 'timeout' | 'connection-lost' | 'protocol'

/** Why a secret that is there has no value: `ambiguous` is a key that two rows answer, so that neither is the secret. */
export type UnreadableReason = 'undecryptable' | 'corrupt' | 'ambiguous'

export type GetOutcome =
  | {
      readonly kind: 'found'
      readonly secret: Secret
      /** The store's own version id for people and headers; null where the store keeps none. */
      readonly version: string | null
      /** For `Condition`; null where the store cannot compare. */
      readonly fence: Fence | null
    }
  /** `deleted`: the store itself remembers a delete. `fence` lets a put compare against "still absent". */
  | { readonly kind: 'absent'; readonly deleted: boolean; readonly fence: Fence | null }
  /** It is there, and its value cannot be used: goes to quarantine, is never guessed. */
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason; readonly version: string | null }
  /** The store did not answer; `passing` errors may end by themselves and allow a fallback. */
  | ({ readonly kind: 'error'; readonly reason: RefusalReason | UnknownReason; readonly passing: boolean } & Said)

/** A sentence of our own for people: never a value, never a driver's message. */
interface Said {
  readonly detail?: string
}

export type PutOutcome =
  /** Applied and durable. `fence` is for the next conditional write, `version` for people. */
  | { readonly kind: 'done'; readonly version: string | null; readonly fence: Fence | null }
  /** The fence was not the store's: nothing was applied. */
  | { readonly kind: 'conflict' }
  /** Nothing was or will be applied. */
  | ({ readonly kind: 'refused'; readonly reason: RefusalReason } & Said)
  /** It may have been applied, or may be until the deadline (where `bound`), or at any time. */
  | { readonly kind: 'unknown'; readonly reason: UnknownReason }

export interface ScanPage {
  readonly after: { readonly customer: string; readonly name: string } | null
  /** Restricts the page to one customer; used by listings. */
  readonly customer?: string
  readonly limit: number
}

export interface ScanEntry {
  readonly customer: string
  readonly name: string
  readonly version: string | null
}

export type ScanOutcome =
  /** `next` is null after the last page. */
  | { readonly kind: 'page'; readonly entries: readonly ScanEntry[]; readonly next: ScanPage['after'] }
  | { readonly kind: 'error'; readonly reason: RefusalReason | UnknownReason }

export type UnaddressableOutcome =
  /** `why` completes "N secrets ...", such as `have no customer`. Only what there is. */
  | { readonly kind: 'counted'; readonly counts: readonly { readonly why: string; readonly count: number }[] }
  | { readonly kind: 'error'; readonly reason: RefusalReason | UnknownReason }

export type PingOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly reason: RefusalReason | UnknownReason }

export type IdentityOutcome =
  /** `id` null: it has none, or this caller may not see it; then its place in the configuration is all there is. */
  | { readonly kind: 'is'; readonly id: string | null }
  | { readonly kind: 'error'; readonly reason: RefusalReason | UnknownReason }

/** `warning`: it works, but not as well as it could. Never holds a value. */
export interface StoreProblem {
  readonly level: 'error' | 'warning'
  readonly message: string
  /** An error that may end by itself, such as no answer: it says nothing against the store as configured. */
  readonly passing?: true
  /** An error under which reads are as good as ever. */
  readonly stops?: 'writes'
}

/** A capability, and the reason that people read in `config check` when it is lacking. */
export type Capability = { readonly has: true } | { readonly has: false; readonly why: string }

/** Differences between stores as data; the proxy and settle read them, never a store's kind. */
export interface Capabilities {
  /**
   * Conditional put *and* conditional remove on a version that survives deletes: such a store needs no bound on late
   * requests. Insert-if-absent, and a version that restarts after a delete, are not a fence.
   */
  readonly fence: Capability
  /** The store itself refuses a request that arrives after its deadline. */
  readonly bound: Capability
  /** Compare-and-set of an existing value (for If-Match without a ledger); weaker than `fence`. */
  readonly compareAndSet: Capability
  readonly versions: Capability
  readonly contentType: Capability
  readonly metadata: Capability
  /** The one integration that it can hold, such as a table without a column for it; absent: any. */
  readonly only?: string
  readonly batch: { readonly max: number }
  /**
   * What a value may be: any bytes, text without NUL, JSON kept as it is, or JSON that is written anew: `jsonb`
   * (`backends/jsonb.ts`), with its number literals, or with numbers as doubles (`backends/json-kept.ts`).
   */
  readonly values: 'bytes' | 'text' | 'json' | 'jsonb' | 'json-literals' | 'json-doubles'
  /** Strings that a JSON document may have, keys counted, where the store limits them. */
  readonly maxStrings?: number
  /** Largest value in bytes. */
  readonly maxSize: number
}
