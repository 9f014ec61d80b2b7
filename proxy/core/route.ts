import { ABSENT } from '../../backends/digest.ts'
import type { Side } from '../../core/side.ts'
import type { IntegrationState, RowView } from '../../ledger/ledger.ts'

/** What a replica knows when a read comes in. */
export interface Knowledge {
  readonly state: IntegrationState
  /** The lease holds and the debts are loaded. */
  readonly trusted: boolean
  /** The inventory mark was seen and the debts were loaded after it. */
  readonly inventoried: boolean
  /** The side that memory names as fresh, if it names one. */
  readonly debt: Side | undefined
}

export type Route =
  | { readonly kind: 'read'; readonly side: Side; readonly why: 'phase' | 'debt' }
  | { readonly kind: 'ask'; readonly why: 'untrusted' | 'no-mark' }

const PINNED: Readonly<Partial<Record<IntegrationState, Side>>> = {
  bare: 'legacy',
  'legacy-only': 'legacy',
  finalized: 'new',
  'new-only': 'new',
}

/** Where a read goes first; SPEC.md section 6 is this function as a table. */
export function route(knows: Knowledge, phaseReads: Side): Route {
  const pinned = PINNED[knows.state]
  if (pinned !== undefined) return { kind: 'read', side: pinned, why: 'phase' }
  if (!knows.trusted) return { kind: 'ask', why: 'untrusted' }
  if (knows.debt !== undefined)
    return { kind: 'read', side: knows.debt, why: knows.debt === phaseReads ? 'phase' : 'debt' }
  if (phaseReads === 'legacy') return { kind: 'read', side: 'legacy', why: 'phase' }
  return knows.inventoried ? { kind: 'read', side: 'new', why: 'phase' } : { kind: 'ask', why: 'no-mark' }
}

/** The side that the ledger's answer names. No row: nothing was ever put to new. */
export function sideOf(
  answer: { readonly state: IntegrationState; readonly row: RowView | null },
  phaseReads: Side,
): Side {
  const pinned = PINNED[answer.state]
  if (pinned !== undefined) return pinned
  if (answer.row === null) return 'legacy'
  return answer.row.fresh === 'both' ? phaseReads : answer.row.fresh
}

/** Whether the ledger's answer proves that a side holds the latest value; the only ground for a fallback. */
export const provenFresh = (
  answer: { readonly state: IntegrationState; readonly row: RowView | null },
  side: Side,
): boolean => {
  const pinned = PINNED[answer.state]
  if (pinned !== undefined) return pinned === side
  return answer.row === null ? side === 'legacy' : answer.row.fresh === 'both' || answer.row.fresh === side
}

/**
 * New holds the secret, as the row knows: no client is at it, nothing was deleted, and what is there was written or copied
 * there. Then "not found" on new is a loss, such as of a store restored from a dump.
 */
export const saysThere = (row: RowView | null): boolean => {
  if (row === null || row.writing > 0 || row.blank || row.fresh === 'legacy') return false
  if (row.fresh === 'both') return !row.deleted
  return row.current === null ? !row.gone : row.current !== ABSENT
}
