import type { Database } from './database.ts'

/** What operators did and what the system did by itself: who, when, what, why. Names and figures, never a value. */
export interface JournalEvent {
  readonly kind: string
  readonly integration: string | null
  readonly actor: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface StoredEvent extends JournalEvent {
  readonly id: string
  readonly at: string
}

export interface Journal {
  append(event: JournalEvent): Promise<void>
  /** Newest first, those that concern every integration too; `before` is the id that the page before ended with. */
  list(integrations: readonly string[], limit: number, before?: string): Promise<readonly StoredEvent[]>
}

// `event.id`: a bare `id` would be the text of the answer, and 9 comes after 10 there.
const LIST = `select id::text as id, at, kind, integration, actor, detail from crossfade.event
  where (integration is null or integration = any ($1::text[])) and ($3::bigint is null or id < $3) order by event.id desc limit $2`

export const makeJournal = (database: Database): Journal => ({
  append: async ({ kind, integration, actor, detail }) => {
    await database.query(
      'crossfade-event',
      'insert into crossfade.event (kind, integration, actor, detail) values ($1, $2, $3, $4::jsonb)',
      [kind, integration, actor, JSON.stringify(detail)],
    )
  },
  list: async (integrations, limit, before) => {
    const rows = await database.query<Omit<StoredEvent, 'at'> & { at: Date }>('crossfade-events', LIST, [
      integrations,
      limit,
      before ?? null,
    ])
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
  },
})
