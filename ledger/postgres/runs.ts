import type { Database } from './database.ts'

/** States of a run; from `done` on it has ended. `partial` and `cancelled` are resumable: start the same again. */
export const RUN_STATES = [
  'queued',
  'running',
  'paused',
  'done',
  'mismatches',
  'partial',
  'failed',
  'cancelled',
] as const
export type RunState = (typeof RUN_STATES)[number]
export type RunEnd = Exclude<RunState, 'queued' | 'running' | 'paused'>
export type Wanted = 'run' | 'pause' | 'cancel'

/** Plain data in the form of whoever keeps it here. */
export type Kept = unknown

export interface NewRun {
  readonly id: string
  readonly integration: string
  readonly kind: string
  readonly stages: readonly string[]
  readonly actor: string
  readonly reason: string | null
  readonly repair: boolean
  readonly place: Kept
}

export interface RunRow extends NewRun {
  readonly state: RunState
  readonly wanted: Wanted
  readonly progress: Kept
  readonly helped: number
  readonly message: string | null
  readonly verified: Kept
  readonly report: Kept
  readonly holder: string | null
  /** A slice has it now. */
  readonly held: boolean
  /** ms since the epoch, by the ledger's clock. */
  readonly askedAt: number
  readonly endedAt: number | null
}

export interface RunEnding {
  readonly state: RunEnd
  readonly place: Kept
  readonly progress: Kept
  readonly message: string | null
  readonly verified: Kept
  readonly report: Kept
}

type Query = Database['query']

/** A job for the run, asked for in the same commit as the change that needs it. */
export type AskFor = (query: Query, run: string) => Promise<void>

/** The runs of the ledger: at most one an integration that has not ended. */
export interface RunRecords {
  /** Also appends the event. `active`: another one has not ended. */
  create(run: NewRun, job: AskFor): Promise<{ readonly kind: 'created' | 'active'; readonly run: RunRow }>
  /** The one that has not ended, else the latest. */
  latest(integration: string): Promise<RunRow | null>
  get(id: string): Promise<RunRow | null>
  /** The latest of each of these integrations. */
  list(integrations: readonly string[]): Promise<readonly RunRow[]>
  /** What shall become of the one that has not ended; at once where no slice has it. Null: there is none. */
  want(integration: string, wanted: Wanted, by: string, job: AskFor): Promise<RunRow | null>
  /** Takes the run for one slice. Null: it ended, shall not run, or another slice has it. */
  take(id: string, holder: string, lease: number): Promise<RunRow | null>
  /** Renews the lease and keeps what was told. Null: it is not this slice's any more. */
  keep(
    id: string,
    holder: string,
    lease: number,
    progress: Kept,
  ): Promise<{ readonly wanted: Wanted; readonly by: string | null; readonly helped: number } | null>
  /** The slice is over: the next one goes on from `place`. False: it was not this slice's any more. */
  release(id: string, holder: string, place: Kept, progress: Kept, job: AskFor): Promise<boolean>
  end(id: string, holder: string, ending: RunEnding): Promise<boolean>
  /** A helper settled so many more; what the run wants. Null: it has ended. */
  help(id: string, secrets: number): Promise<{ readonly wanted: Wanted; readonly stage: string } | null>
  /** Asks for a job for each run that should move and has not been touched for `idle` ms; finishes what a dead slice was to. */
  wake(idle: number, job: AskFor): Promise<number>
  /** Jobs that belong to no change of a run. */
  ask(jobs: (query: Query) => Promise<void>): Promise<void>
  /** Forgets what ended longer ago than so many ms, but for the latest of each integration. */
  prune(age: number): Promise<void>
}

const COLUMNS = `id, integration, kind, stages, actor, reason, repair, state, wanted, place, progress, helped::float8 as helped,
  message, verified, report, holder, holder is not null and until > clock_timestamp() as held,
  (extract(epoch from asked_at) * 1000)::float8 as "askedAt", (extract(epoch from ended_at) * 1000)::float8 as "endedAt"`

const CREATE = `insert into crossfade.run (id, integration, kind, stages, actor, reason, repair, place)
  values ($1, $2, $3, $4::text[], $5, $6, $7, $8::json)
  on conflict (integration) where ended_at is null do nothing returning ${COLUMNS}`

const EVENT = `insert into crossfade.event (kind, integration, actor, detail) values ($1, $2, $3, $4::jsonb)`

const UNFINISHED = `select ${COLUMNS} from crossfade.run where integration = $1 and ended_at is null`

const LATEST = `select ${COLUMNS} from crossfade.run where integration = $1
  order by ended_at is null desc, asked_at desc, id desc limit 1`

const LIST = `select distinct on (integration) ${COLUMNS} from crossfade.run where integration = any ($1::text[])
  order by integration, ended_at is null desc, asked_at desc, id desc`

/** No slice can still change it. */
const FREE = '(holder is null or until < clock_timestamp())'

/** What is wanted of a run that no slice has happens here and now. */
const APPLY = `set wanted = w.next, wanted_by = w.by, touched_at = clock_timestamp(),
    state = case when not ${FREE} then r.state when w.next = 'pause' then 'paused' when w.next = 'cancel' then 'cancelled'
      when r.state = 'paused' then 'queued' else r.state end,
    message = case when w.next = 'cancel' and ${FREE} then 'cancelled by ' || w.by else r.message end,
    ended_at = case when w.next = 'cancel' and ${FREE} then clock_timestamp() end`

const WANT = `update crossfade.run r ${APPLY} from (values ($2::text, $3::text)) w (next, by)
  where r.integration = $1 and r.ended_at is null returning ${COLUMNS}`

const TAKE = `update crossfade.run set holder = $2, until = clock_timestamp() + $3 * interval '1 millisecond', state = 'running',
    slices = slices + 1, touched_at = clock_timestamp()
  where id = $1 and ended_at is null and wanted = 'run' and ${FREE} returning ${COLUMNS}`

const KEEP = `update crossfade.run set until = clock_timestamp() + $3 * interval '1 millisecond', progress = $4::json,
    touched_at = clock_timestamp()
  where id = $1 and holder = $2 and ended_at is null returning wanted, wanted_by as by, helped::float8 as helped`

const RELEASE = `update crossfade.run set holder = null, until = null, place = $3::json, progress = $4::json,
    touched_at = clock_timestamp(), state = case wanted when 'pause' then 'paused' when 'cancel' then 'cancelled' else state end,
    message = case wanted when 'cancel' then 'cancelled by ' || wanted_by else message end,
    ended_at = case wanted when 'cancel' then clock_timestamp() end
  where id = $1 and holder = $2 and ended_at is null returning wanted`

const END = `update crossfade.run set holder = null, until = null, state = $3, place = $4::json, progress = $5::json, message = $6,
    verified = $7::json, report = $8::json, ended_at = clock_timestamp()
  where id = $1 and holder = $2 and ended_at is null returning id`

const HELP = `update crossfade.run set helped = helped + $2 where id = $1 and ended_at is null
  returning wanted, place ->> 'stage' as stage`

/** A slice that died was told to pause or to cancel, or left a run that nobody has a job for. */
const STRANDED = `update crossfade.run r ${APPLY} from (select id as run, wanted as next, wanted_by as by from crossfade.run) w
  where r.id = w.run and r.ended_at is null and r.state <> 'paused' and r.touched_at < clock_timestamp() - $1 * interval '1 millisecond'
    and (r.holder is null or r.until < clock_timestamp())
  returning r.id, r.wanted`

const PRUNE = `delete from crossfade.run r where r.ended_at < clock_timestamp() - $1 * interval '1 millisecond'
  and exists (select from crossfade.run later where later.integration = r.integration and later.asked_at > r.asked_at)`

export const makeRunRecords = (database: Database): RunRecords => ({
  create: (run, job) =>
    database.transaction(async (query) => {
      const { id, integration, kind, stages, actor, reason, repair, place } = run
      const values = [id, integration, kind, stages, actor, reason, repair, JSON.stringify(place)]
      const [created] = await query<RunRow>(null, CREATE, values)
      if (created === undefined) {
        const [active] = await query<RunRow>(null, UNFINISHED, [integration])
        return { kind: 'active', run: active as RunRow }
      }
      const detail = { run: id, what: kind, reason, repair, stages }
      await query(null, EVENT, ['run-started', integration, actor, JSON.stringify(detail)])
      await job(query, id)
      return { kind: 'created', run: created }
    }),
  latest: async (integration) => (await database.query<RunRow>('crossfade-run', LATEST, [integration]))[0] ?? null,
  get: async (id) =>
    (await database.query<RunRow>('crossfade-run-id', `select ${COLUMNS} from crossfade.run where id = $1`, [id]))[0] ??
    null,
  list: (integrations) => database.query<RunRow>('crossfade-runs', LIST, [integrations]),
  want: (integration, wanted, by, job) =>
    database.transaction(async (query) => {
      const [run] = await query<RunRow>(null, WANT, [integration, wanted, by])
      if (run !== undefined && wanted === 'run' && !run.held) await job(query, run.id)
      return run ?? null
    }),
  take: async (id, holder, lease) =>
    (await database.query<RunRow>('crossfade-run-take', TAKE, [id, holder, lease]))[0] ?? null,
  keep: async (id, holder, lease, progress) => {
    const values = [id, holder, lease, JSON.stringify(progress)]
    const [told] = await database.query<{ wanted: Wanted; by: string | null; helped: number }>(
      'crossfade-run-keep',
      KEEP,
      values,
    )
    return told ?? null
  },
  release: (id, holder, place, progress, job) =>
    database.transaction(async (query) => {
      const values = [id, holder, JSON.stringify(place), JSON.stringify(progress)]
      const [released] = await query<{ wanted: Wanted }>(null, RELEASE, values)
      if (released?.wanted === 'run') await job(query, id)
      return released !== undefined
    }),
  end: async (id, holder, { state, place, progress, message, verified, report }) => {
    const kept = [place, progress].map((value) => JSON.stringify(value))
    const found = [verified, report].map((value) => (value === null ? null : JSON.stringify(value)))
    const rows = await database.query(null, END, [id, holder, state, ...kept, message, ...found])
    return rows.length === 1
  },
  help: async (id, secrets) =>
    (await database.query<{ wanted: Wanted; stage: string }>('crossfade-run-help', HELP, [id, secrets]))[0] ?? null,
  wake: (idle, job) =>
    database.transaction(async (query) => {
      const stranded = await query<{ id: string; wanted: Wanted }>(null, STRANDED, [idle])
      const asleep = stranded.filter(({ wanted }) => wanted === 'run')
      for (const { id } of asleep) await job(query, id)
      return asleep.length
    }),
  ask: (jobs) => database.transaction(jobs),
  prune: async (age) => {
    await database.query(null, PRUNE, [age])
  },
})
