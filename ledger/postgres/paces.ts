import type { Database } from './database.ts'

/** The pace that operators set, by integration; its meaning is the room migrator's, here it is kept. */
export interface StoredPace {
  readonly rate?: number | 'none'
  readonly concurrency?: number
  readonly adaptive?: boolean
}

export interface PaceRecords {
  list(): Promise<ReadonlyMap<string, StoredPace>>
  /** What `change` leaves out stays as it is; an event of each integration is in the same commit. */
  set(
    integrations: readonly string[],
    change: StoredPace,
    by: { readonly actor: string; readonly reason: string | null },
  ): Promise<void>
}

export const makePaceRecords = (database: Database): PaceRecords => ({
  list: async () => {
    const rows = await database.query<{ integration: string; setting: StoredPace }>(
      'crossfade-paces',
      'select integration, setting from crossfade.pace',
      [],
    )
    return new Map(rows.map(({ integration, setting }) => [integration, setting]))
  },
  set: async (integrations, change, { actor, reason }) => {
    const values = [integrations, JSON.stringify(change), actor, reason]
    await database.query('crossfade-set-pace', 'select crossfade.set_pace($1, $2, $3, $4)', values)
  },
})
