import type { Side } from '../../core/side.ts'
import { freshRow, type Row } from './row.ts'

/** What changes a row beside writes and settles, as ledger/postgres/sql has it. */

/** The inventory saw the name on `side`. */
export const rowSeen = (found: Row | null, side: Side): Row => {
  if (found === null) return { ...freshRow('legacy'), blank: side === 'legacy', gone: false }
  return side === 'new' ? { ...found, blank: false } : found
}

/** An operator's word on what is in quarantine. */
export const rowAccepted = (row: Row): Row => {
  if (row.quarantine === null) return row
  if (row.quarantine !== 'foreign' || row.fresh !== 'legacy') return { ...row, accepted: row.version }
  const gone = row.current === null || row.current === 'absent'
  const version = Math.max(row.version, 1)
  return { ...row, version, gone, quarantine: null, attempts: 0, settleAfter: Number.NEGATIVE_INFINITY }
}
