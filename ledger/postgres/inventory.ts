import type { ScanEntry, ScanPage } from '../../backends/store.ts'
import type { Side } from '../../core/side.ts'
import type { Database } from './database.ts'

/** Where a scan of one side goes on; `done` after its last page. */
export interface ScanPosition {
  readonly after: ScanPage['after']
  readonly done: boolean
}

/** The inventory's own steps: pages of names into rows, with the checkpoint in the same transaction. */
export interface Inventory {
  position(integration: string, side: Side): Promise<ScanPosition>
  /** Returns how many rows are new. */
  record(integration: string, side: Side, entries: readonly ScanEntry[], next: ScanPosition): Promise<number>
  /** Every name has a row; replicas may use the mark once they have loaded again. */
  mark(integration: string): Promise<void>
}

const START: ScanPosition = { after: null, done: false }

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
    const [row] = await database.query<{ made: number }>(
      'crossfade-inventory',
      'select crossfade.inventory($1, $2, $3::jsonb, $4::jsonb) as made',
      [integration, side, JSON.stringify(entries), JSON.stringify(next)],
    )
    return row?.made ?? 0
  },
  mark: async (integration) => {
    await database.query(null, 'select crossfade.mark_inventoried($1)', [integration])
  },
})
