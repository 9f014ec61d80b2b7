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
  /** The other way: oldest first, those with a greater number than `after`, for who follows what happens. */
  since(integrations: readonly string[], limit: number, after: string): Promise<readonly StoredEvent[]>
}

/** Changes of the caps: their events say the revision of the caps that has them, so that it can be told which replicas run it. */
const OF_CAPS = ['rollback', 'lift', 'guard-trip']

// `event.id`: a bare `id` would be the text of the answer, and 9 comes after 10 there.
const LIST = `select id::text as id, at, kind, integration, actor, detail from crossfade.event
  where (integration is null or integration = any ($1::text[])) and ($3::bigint is null or id < $3) order by event.id desc limit $2`

const SINCE = `select id::text as id, at, kind, integration, actor, detail from crossfade.event
  where (integration is null or integration = any ($1::text[])) and id > $3::bigint order by event.id limit $2`

const APPEND = `insert into crossfade.event (kind, integration, actor, detail)
  select $1, $2, $3, $4::jsonb || case when $5::boolean
    then jsonb_build_object('caps_revision', (select n from crossfade.revision where what = 'caps')) else '{}' end`

type Row = Omit<StoredEvent, 'at'> & { readonly at: Date }
const toEvent = (row: Row): StoredEvent => ({ ...row, at: row.at.toISOString() })

export const makeJournal = (database: Database): Journal => ({
  append: async ({ kind, integration, actor, detail }) => {
    const values = [kind, integration, actor, JSON.stringify(detail), OF_CAPS.includes(kind)]
    await database.query('crossfade-event', APPEND, values)
  },
  list: async (integrations, limit, before) => {
    const rows = await database.query<Row>('crossfade-events', LIST, [integrations, limit, before ?? null])
    return rows.map(toEvent)
  },
  since: async (integrations, limit, after) =>
    (await database.query<Row>('crossfade-events-since', SINCE, [integrations, limit, after])).map(toEvent),
})
