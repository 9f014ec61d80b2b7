import type { Side } from '../../core/side.ts'
import type { BeginAnswer, Fresh, QuarantineReason } from '../../ledger/ledger.ts'

export type Begun = Extract<BeginAnswer, { kind: 'begun' }>

export interface Op {
  readonly kind: 'put' | 'delete' | 'settle'
  readonly version: number
  readonly alone: boolean
  readonly wasBoth: boolean
  readonly exclusive: boolean
  readonly fingerprint: string | null
  readonly until: number
  readonly answer: Begun | null
}

export interface Row {
  readonly version: number
  readonly fresh: Fresh
  readonly seq: number
  readonly first: Side
  readonly ops: Readonly<Record<string, Op>>
  readonly known: boolean
  readonly blank: boolean
  readonly gone: boolean
  readonly deleted: boolean
  readonly loose: boolean
  readonly current: string | null
  readonly versions: Partial<Readonly<Record<Side, string>>>
  readonly copied: boolean
  readonly quarantine: QuarantineReason | null
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
  known: false,
  blank: true,
  gone: true,
  deleted: false,
  loose: false,
  current: null,
  versions: {},
  copied: false,
  quarantine: null,
  attempts: 0,
  settleAfter: Number.NEGATIVE_INFINITY,
})
