import type { Database } from './database.ts'

/**
 * Small JSON records that must outlive a restart: the accepted flags of an integration, and the caps. Who owns their
 * meaning (the room `flags`) hands them in whole; the ledger only keeps them.
 */
export interface FlagRecords<R extends { readonly integration: string }> {
  load(): Promise<readonly R[]>
  /** Durable, all of them, when it resolves. */
  remember(records: readonly R[]): Promise<void>
}

export const makeFlagRecords = <R extends { readonly integration: string }>(database: Database): FlagRecords<R> => ({
  load: async () =>
    (await database.query<{ record: R }>(null, 'select record from crossfade.flag_memory', [])).map(
      (row) => row.record,
    ),
  remember: async (records) => {
    if (records.length === 0) return
    await database.query(
      'crossfade-remember',
      `insert into crossfade.flag_memory (integration, record)
       select r ->> 'integration', r from jsonb_array_elements($1::jsonb) r
       on conflict (integration) do update set record = excluded.record, at = clock_timestamp()`,
      [JSON.stringify(records)],
    )
  },
})

export interface CapKeyed {
  readonly kind: string
  readonly integration: string
  readonly cohort: string | null
}

export interface CapRecords<C extends CapKeyed> {
  load(): Promise<readonly C[]>
  /** All of them and the revision that they are of: one snapshot. */
  loadAt(): Promise<{ readonly revision: number; readonly caps: readonly C[] }>
  /** Grows with every change. */
  revision(): Promise<number>
  /**
   * False: nothing was changed. This very cap, by `id`, was made durable before, and may have been removed since; or one of
   * its scope and kind holds that is lower, or says the same for the guard. Gates alone may raise their own.
   */
  save(cap: C, id: string): Promise<boolean>
  remove(key: CapKeyed): Promise<void>
}

/** A week after which nobody holds a cap any more that was not written. */
const SAVE = `
  with swept as (delete from crossfade.cap_seen where at < clock_timestamp() - interval '7 days'),
    seen as (insert into crossfade.cap_seen (id) values ($5) on conflict do nothing returning id),
    saved as (
      insert into crossfade.cap as held (kind, integration, cohort, cap) select $1, $2, $3, $4::jsonb from seen
      on conflict (kind, integration, cohort) do update set cap = excluded.cap, at = clock_timestamp()
      where held.kind = 'gate' or crossfade.phase_rank(excluded.cap) < crossfade.phase_rank(held.cap)
        or (crossfade.phase_rank(excluded.cap) = crossfade.phase_rank(held.cap) and held.kind = 'rollback')
      returning held.kind)
  select exists (select from saved) as saved`

export const makeCapRecords = <C extends CapKeyed>(database: Database): CapRecords<C> => ({
  load: async () => (await database.query<{ cap: C }>(null, 'select cap from crossfade.cap', [])).map((row) => row.cap),
  loadAt: async () => {
    const [row] = await database.query<{ revision: number; caps: C[] }>(
      'crossfade-caps',
      `select n::float8 as revision, (select coalesce(jsonb_agg(cap), '[]') from crossfade.cap) as caps
       from crossfade.revision where what = 'caps'`,
      [],
    )
    return row ?? { revision: 0, caps: [] }
  },
  revision: async () => (await revisionOf(database, 'caps')) ?? 0,
  save: async (cap, id) => {
    const [row] = await database.query<{ saved: boolean }>('crossfade-cap', SAVE, [
      cap.kind,
      cap.integration,
      cap.cohort ?? '',
      JSON.stringify(cap),
      id,
    ])
    return row?.saved === true
  },
  remove: async ({ kind, integration, cohort }) => {
    await database.query(
      'crossfade-uncap',
      'delete from crossfade.cap where kind = $1 and integration = $2 and cohort = $3',
      [kind, integration, cohort ?? ''],
    )
  },
})

async function revisionOf(database: Database, what: string): Promise<number | undefined> {
  const [row] = await database.query<{ n: number }>(
    'crossfade-revision',
    'select n::float8 as n from crossfade.revision where what = $1',
    [what],
  )
  return row?.n
}
