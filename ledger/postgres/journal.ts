import type { Database } from './database.ts'

/** What operators did and what the system did by itself: who, when, what, why. Names and figures, never a value. */
export interface JournalEvent {
  readonly kind: string
  readonly integration: string | null
  readonly actor: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface StoredEvent extends JournalEvent {
  readonly id: number
  readonly at: string
}

export interface Journal {
  append(event: JournalEvent): Promise<void>
  /** Newest first. */
  list(integration: string | null, limit: number): Promise<readonly StoredEvent[]>
}

const LIST = `select id::float8 as id, at, kind, integration, actor, detail from crossfade.event
  where $1::text is null or integration = $1 order by id desc limit $2`

export const makeJournal = (database: Database): Journal => ({
  append: async ({ kind, integration, actor, detail }) => {
    await database.query(
      'crossfade-event',
      'insert into crossfade.event (kind, integration, actor, detail) values ($1, $2, $3, $4::jsonb)',
      [kind, integration, actor, JSON.stringify(detail)],
    )
  },
  list: async (integration, limit) => {
    const rows = await database.query<Omit<StoredEvent, 'at'> & { at: Date }>('crossfade-events', LIST, [
      integration,
      limit,
    ])
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
  },
})
