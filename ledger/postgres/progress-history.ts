import type { Database } from './database.ts'
import { COUNT_KEYS, type Counts, readCohortCounts } from './progress.ts'

/** Counts of an integration by cohort; they hold until its next sample. */
export interface Sample {
  readonly integration: string
  /** ms since the epoch, by the ledger's clock. */
  readonly at: number
  readonly cohorts: ReadonlyMap<string, Counts>
}

/** Where and how finely to look, in ms since the epoch; of each step the last sample is given. */
export interface Span {
  readonly since: number
  readonly until: number
  readonly step: number
}

const MINUTE = 60_000
const DAY = 86_400_000
/** Every sample of the last day is kept; of what is older, the last of each hour. */
const WHOLE = DAY
/** And nothing beyond: no migration is looked at for longer. */
const KEPT = 400 * DAY

const TURN = `
  update crossfade.progress_turn set at = clock_timestamp()
  where at <= clock_timestamp() - $1 * interval '1 millisecond' returning at as now`

/** What was finalized keeps its last sample for good; what was abandoned has nothing any more. */
const COUNTED = `select name from crossfade.integration where state <> 'finalized' order by name`

const WRITE = `
  insert into crossfade.progress_sample (integration, at, counts)
  select $1, $2, $3::jsonb where $3::jsonb is distinct from coalesce(
    (select l.counts from crossfade.progress_sample l where l.integration = $1 order by l.at desc limit 1), '{}')
  on conflict do nothing`

const FORGET = 'delete from crossfade.progress_sample where at < $1::timestamptz'

/** Once a minute, so a day back is far more than what has become old since the last time. */
const THIN = `
  delete from crossfade.progress_sample s
  where s.at < $1::timestamptz and s.at >= $1::timestamptz - interval '1 day' and exists (
    select from crossfade.progress_sample l where l.integration = s.integration and l.at > s.at
      and l.at < date_trunc('hour', s.at) + interval '1 hour')`

/**
 * Counts everything that the ledger tracks and writes down what changed, unless another process has begun to within the last
 * `every` ms: false then. `cohortOf`: of a customer; the ledger knows no cohorts.
 */
export async function takeSample(
  database: Pick<Database, 'query' | 'patiently'>,
  cohortOf: (customer: string) => string,
  every: number = MINUTE,
): Promise<boolean> {
  const [turn] = await database.query<{ now: Date }>('crossfade-sample-turn', TURN, [every])
  if (turn === undefined) return false
  const { now } = turn
  for (const { name } of await database.query<{ name: string }>('crossfade-sample-counted', COUNTED, [])) {
    const cohorts = Object.fromEntries((await readCohortCounts(database, cohortOf, [name])).get(name) ?? [])
    await database.query('crossfade-sample', WRITE, [name, now, JSON.stringify(cohorts)])
  }
  await database.query('crossfade-sample-thin', THIN, [new Date(now.getTime() - WHOLE)])
  await database.query('crossfade-sample-forget', FORGET, [new Date(now.getTime() - KEPT)])
  return true
}

const STEP = `floor(extract(epoch from s.at) * 1000 / $4::float8)`

/** The last sample of each step, and the one that held when the first step began; oldest first. */
const READ = `
  select * from (
    select distinct on (s.integration, ${STEP}) s.integration, s.at, s.counts from crossfade.progress_sample s
    where s.integration = any ($1::text[]) and s.at > $2::timestamptz and s.at <= $3::timestamptz
    order by s.integration, ${STEP}, s.at desc) within
  union all
  select held.* from unnest($1::text[]) i (integration), lateral (
    select b.integration, b.at, b.counts from crossfade.progress_sample b
    where b.integration = i.integration and b.at <= $2::timestamptz order by b.at desc limit 1) held
  order by at`

interface Row {
  readonly integration: string
  readonly at: Date
  readonly counts: Readonly<Record<string, Partial<Counts>>>
}

export async function readSamples(
  database: Pick<Database, 'query'>,
  integrations: readonly string[],
  { since, until, step }: Span,
): Promise<readonly Sample[]> {
  const values = [integrations, new Date(since), new Date(until), step]
  const rows = await database.query<Row>('crossfade-samples', READ, values)
  return rows.map(({ integration, at, counts }) => ({
    integration,
    at: at.getTime(),
    cohorts: new Map(Object.entries(counts).map(([cohort, known]) => [cohort, whole(known)])),
  }))
}

/** A sample that an earlier version took lacks what was not counted then. */
const whole = (known: Partial<Counts>): Counts =>
  Object.fromEntries(COUNT_KEYS.map((key) => [key, known[key] ?? 0])) as unknown as Counts
