import type { ScanEntry, ScanPage } from '../../backends/store.ts'
import type { Side } from '../../core/side.ts'
import { ledgerFault } from '../faults.ts'
import type { Database } from './database.ts'

/** Where a scan of one side goes on; `done` after its last page. */
export interface ScanPosition {
  readonly after: ScanPage['after']
  readonly done: boolean
}

/** A name as it is recorded. `refused`: the edge could not address it, so that it is quarantined `not-addressable`. */
export interface FoundName extends ScanEntry {
  readonly refused?: boolean
}

/** The inventory's own steps: pages of names into rows, with the checkpoint in the same transaction. */
export interface Inventory {
  position(integration: string, side: Side): Promise<ScanPosition>
  /**
   * Returns how many rows are new. `next` null: names found outside a scan, the checkpoint stays.
   * Throws `stage-refused` when the integration is not enrolled.
   */
  record(integration: string, side: Side, entries: readonly FoundName[], next: ScanPosition | null): Promise<number>
  /** Every name has a row; replicas may use the mark once they have loaded again. Throws `stage-refused`, as `record`. */
  mark(integration: string): Promise<void>
}

const START: ScanPosition = { after: null, done: false }

const notEnrolled = (integration: string) => ledgerFault('stage-refused', `${integration} is not enrolled`)

export const makeInventory = (database: Database): Inventory => ({
  position: async (integration, side) => {
    const [row] = await database.query<{ position: ScanPosition }>(
      'crossfade-position',
      'select position from crossfade.checkpoint where integration = $1 and stage = $2',
      [integration, `inventory-${side}`],
    )
    return row?.position ?? START
  },
  record: async (integration, side, entries, next) => {
    const [row] = await database.query<{ made: number | null }>(
      'crossfade-inventory',
      'select crossfade.inventory($1, $2, $3::jsonb, $4::json) as made',
      [integration, side, JSON.stringify(entries), next === null ? null : JSON.stringify(next)],
    )
    if (typeof row?.made !== 'number') throw notEnrolled(integration)
    return row.made
  },
  mark: async (integration) => {
    const [row] = await database.query<{ marked: boolean }>(null, 'select crossfade.mark_inventoried($1) as marked', [
      integration,
    ])
    if (row?.marked !== true) throw notEnrolled(integration)
    // Thousands of rows came at once; without figures the planner would not take the index of claimable rows.
    await database.query(null, 'analyze crossfade.secret', []).catch(() => undefined)
  },
})
