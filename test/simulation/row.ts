import type { Side } from '../../core/side.ts'
import type { BeginAnswer, Fresh, IntegrationState, QuarantineReason } from '../../ledger/ledger.ts'

export type Begun = Extract<BeginAnswer, { kind: 'begun' }>

export interface Op {
  readonly kind: 'put' | 'delete' | 'settle'
  readonly version: number
  readonly alone: boolean
  readonly exclusive: boolean
  readonly fingerprint: string | null
  readonly until: number
  readonly answer: Begun | null
}

/** What is put back when every write that is open is refused. */
export interface Before extends Pick<Row, 'version' | 'fresh' | 'current'> {
  /** New may hold what nobody wrote or copied there. */
  readonly foreign: boolean
  /** One of the writes ended by its lease. */
  readonly unknown: boolean
}

export interface Row {
  readonly version: number
  readonly fresh: Fresh
  readonly seq: number
  readonly first: Side
  readonly ops: Readonly<Record<string, Op>>
  /** Of before the writes that are open began; null once one of them was applied. */
  readonly before: Before | null
  readonly known: boolean
  readonly blank: boolean
  readonly gone: boolean
  readonly deleted: boolean
  readonly loose: boolean
  readonly current: string | null
  readonly versions: Partial<Readonly<Record<Side, string>>>
  readonly copied: boolean
  readonly quarantine: QuarantineReason | null
  readonly accepted: number | null
  readonly attempts: number
  readonly settleAfter: number
}

/** A step: the row afterwards and what the caller is told. */
export interface Step<A> {
  readonly row: Row
  readonly answer: A
}

export const freshRow = (first: Side): Row => ({
  version: 0,
  fresh: 'legacy',
  seq: 0,
  first,
  ops: {},
  before: null,
  known: false,
  blank: true,
  gone: true,
  deleted: false,
  loose: false,
  current: null,
  versions: {},
  copied: false,
  quarantine: null,
  accepted: null,
  attempts: 0,
  settleAfter: Number.NEGATIVE_INFINITY,
})

/** The row and its integration as begin finds them. */
export interface Found {
  readonly found: Row | null
  readonly state: IntegrationState
  readonly inventoried: boolean
}
