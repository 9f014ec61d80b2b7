import type { Answers } from '../backends/answers.ts'
import type { Address } from '../backends/secret.ts'
import type { Side } from '../core/side.ts'

/** Which side holds the latest acknowledged value: both of them, or one to which the other owes it. */
export type Fresh = 'both' | Side

/**
 * The life of an integration in the ledger. `bare`: no ledger at all, legacy answers. `finalized`: no ledger at all,
 * new answers. Everything between is enrolled in one way or another; `begin` admits a phase by its state.
 */
export const INTEGRATION_STATES = [
  'bare',
  'enrolling',
  'enrolled',
  'finalizing',
  'new-only',
  'finalized',
  'abandoning',
  'legacy-only',
] as const
export type IntegrationState = (typeof INTEGRATION_STATES)[number]

export interface IntegrationRow {
  readonly integration: string
  readonly state: IntegrationState
  /** Grows with every change of `state` or `inventoried`. */
  readonly epoch: number
  /** The inventory mark: every name on either side has a row. */
  readonly inventoried: boolean
  /** What the stores of its sides said that they are when it was enrolled; null or absent: nothing was said. */
  readonly ids?: Readonly<Record<Side, string | null>> | null
}

/** What `begin` needs of a phase: which side first, and whether the other side is written too. */
export interface WritePlan {
  readonly first: Side
  readonly second: Side | null
}

export interface BeginRequest {
  /** A fresh UUID; sending the same begin again gives the same answer and opens nothing twice. */
  readonly op: string
  readonly address: Address
  readonly kind: 'put' | 'delete'
  readonly plan: WritePlan
  /** If-Match: the fingerprint that must be current, or `absent`. Excludes every other open operation. */
  readonly expect: string | null
  /** A delete on a store without a fence waits for the row to have no open operation. */
  readonly needsQuiet: boolean
  /** The fingerprint of what is written, or `absent` for a delete. */
  readonly fingerprint: string
  /** How long the operation may stay open, in ms from the ledger's clock at this statement. */
  readonly lease: number
}

export type BeginAnswer =
  | {
      readonly kind: 'begun'
      readonly version: number
      /** The register: put here first, whatever the phase says. */
      readonly first: Side
      /** Put here second, or null. */
      readonly second: Side | null
      readonly alone: boolean
      readonly fresh: Fresh
      readonly seq: number
      readonly known: boolean
      /** Before this begin: nothing was ever put to new. */
      readonly blank: boolean
    }
  /** Another operation is open and this one may not join it. */
  | { readonly kind: 'busy'; readonly retryAfter: number }
  /** `expect` is not the current fingerprint. */
  | { readonly kind: 'mismatch' }
  /** `expect` cannot be judged before a settle has learned what the fresh side holds. */
  | { readonly kind: 'not-known' }
  /** The integration's state does not admit this plan: reload it and decide again. */
  | { readonly kind: 'reload' }

/** How an operation ended. `debt-open`: the second put's outcome is unknown, so the operation stays open until its lease ends. */
export type FinishOutcome = 'clean' | 'debt' | 'debt-open' | 'failed'

export interface FinishRequest {
  readonly op: string
  readonly address: Address
  readonly outcome: FinishOutcome
  /** Version ids that the stores gave. */
  readonly versions: Partial<Readonly<Record<Side, string>>>
  /** Every live replica knows of the debt of this `seq`. */
  readonly knownSeq: number | null
}

/** `void`: the operation had ended by its lease; nothing was changed. */
export type FinishAnswer =
  | { readonly kind: 'done'; readonly fresh: Fresh; readonly seq: number; readonly known: boolean }
  | { readonly kind: 'void' }

/** What settle may claim, in the order: debts of live traffic before never-copied ones. */
export interface ClaimQuery {
  readonly integration: string
  /** Only debts whose fresh side is this one; null for both. */
  readonly source: Side | null
  /** One secret, for a settle on demand (If-Match, repair). */
  readonly only?: Address
  /** Never-copied secrets only, in the order of their names, strictly after this one: how a backfill goes through them. */
  readonly neverCopied?: { readonly after: Position | null }
  readonly limit: number
  readonly lease: number
}

/** A place in the order of an integration's names, by bytes of (customer, name). */
export type Position = Pick<Address, 'customer' | 'name'>

export interface Claim {
  readonly op: string
  readonly address: Address
  readonly version: number
  readonly source: Side
  readonly seq: number
  /** Some operation ended by its lease alone: requests of it may still arrive where nothing bounds them. */
  readonly loose: boolean
  /** Absence on the source is meant: a delete has begun. */
  readonly gone: boolean
  /** Nothing was ever put to new. */
  readonly blank: boolean
  /** The fingerprint known to be on the source, `absent`, or null when not known. */
  readonly current: string | null
  /** The store versions of the last tracked write or copy. */
  readonly versions: Partial<Readonly<Record<Side, string>>>
  /** Asked for by its name it may be in quarantine. */
  readonly quarantine: QuarantineReason | null
  /** Settles of this debt that failed before. */
  readonly attempts: number
}

/** Why a secret cannot be copied; it stays served from where it is. */
export const QUARANTINE_REASONS = [
  'undecryptable',
  'corrupt',
  'ambiguous',
  'out_of_band',
  'unrepresentable',
  'too-large',
  'not-addressable',
  'foreign',
  'missing',
] as const
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]

export type SettleResult =
  /** Both sides were made equal; `fingerprint` is of the value read (`absent` after a delete). */
  | {
      readonly kind: 'equal'
      readonly fingerprint: string
      readonly versions: Partial<Readonly<Record<Side, string>>>
    }
  /** A store refused for certain: the claim ends, the debt stays, and is tried again after a back-off. */
  | { readonly kind: 'later'; readonly reason: string }
  /** `current`: the fingerprint of what the fresh side holds, where that was read and may be trusted. */
  | { readonly kind: 'quarantine'; readonly reason: QuarantineReason; readonly current: string | null }

export interface SettleRequest {
  readonly op: string
  readonly address: Address
  readonly result: SettleResult
}

/** What the ledger says of a secret to one who asks. `null`: it has no row. */
export interface RowView {
  readonly fresh: Fresh
  readonly seq: number
  readonly deleted: boolean
  /** Absence on the fresh side may be meant. */
  readonly gone: boolean
  readonly current: string | null
  readonly version: number
  readonly open: number
  /** Of the open ones, those of clients: a settle changes nothing of what the fresh side holds. */
  readonly writing: number
  readonly blank: boolean
  readonly quarantine: QuarantineReason | null
}

/** A debt as replicas remember it: the other side owes. */
export interface Debt {
  readonly address: Address
  readonly fresh: Side
  readonly seq: number
}

/**
 * The state machine of SPEC.md. Each method is one atomic, durable statement per call or per batch; adapters may gather
 * calls of the same instant into one statement (group commit). Rejects with `ledger-unavailable` when it cannot say
 * that the step is durable; the caller then must treat the step as not known.
 */
export interface Ledger {
  begin(request: BeginRequest): Promise<BeginAnswer>
  finish(request: FinishRequest): Promise<FinishAnswer>
  /** Every live replica knows the debt of this `seq`. Lossy, lazy. */
  known(address: Address, seq: number): Promise<void>

  claim(query: ClaimQuery): Promise<readonly Claim[]>
  settled(requests: readonly SettleRequest[]): Promise<Answers<SettleRequest, FinishAnswer>>

  /** One primary read: what the integration's state is and what the row says. */
  ask(address: Address): Promise<{ readonly state: IntegrationState; readonly row: RowView | null }>
  /** A page of the debts that memories must hold (not blank), by bytes of the address, strictly after this one. */
  debts(after: Address | null, limit: number): Promise<readonly Debt[]>
  integrations(): Promise<readonly IntegrationRow[]>
}
