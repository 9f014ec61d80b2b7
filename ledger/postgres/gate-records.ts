import type { Database } from './database.ts'

/** What gates remember of an integration: JSON that the room `flags` validates. null: it ran before there were gates. */
export interface StoredGate {
  readonly integration: string
  readonly version: number
  readonly record: unknown
}

export interface GateEvent {
  readonly kind: string
  readonly actor: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface GateChange {
  readonly integration: string
  /** The version that the asker saw; 0 where there was none. */
  readonly expected: number
  readonly record: unknown
  /** The newest definition of the flag that it follows; null: there never was one. */
  readonly definition: unknown
  /** The revision of the caps, and the epoch of the integration, that it follows. */
  readonly caps: number
  readonly epoch: number
  /** Cohorts whose comparisons count from 0 again. */
  readonly reset: readonly string[]
  readonly events: readonly GateEvent[]
}

export interface GateRecords {
  /** All of them and the revision that they are of: one snapshot. */
  loadAt(): Promise<{ readonly revision: number; readonly gates: readonly StoredGate[] }>
  /** Grows with every change. */
  revision(): Promise<number>
  /** Null: the asker did not know all of what the record follows from, and nothing was changed. */
  save(change: GateChange): Promise<{ readonly version: number; readonly revision: number } | null>
  /** True for one process in `pace` ms: who may count for the integration now. */
  claim(integration: string, pace: number): Promise<boolean>
  /** Adds comparisons that were made since the last call, by integration and cohort. */
  compared(counts: readonly Compared[]): Promise<void>
}

export interface Compared {
  readonly integration: string
  readonly cohort: string
  readonly n: number
}

const LOAD = `
  select n::float8 as revision, (select coalesce(jsonb_agg(jsonb_build_object('integration', integration, 'version', version,
    'record', record)), '[]') from crossfade.gate) as gates
  from crossfade.revision where what = 'gates'`

const SAVE = `select crossfade.save_gate($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7::text[], $8::jsonb) as saved`

const CLAIM = `
  insert into crossfade.gate (integration, record, looked_at) values ($1, $3::jsonb, clock_timestamp())
  on conflict (integration) do update set looked_at = excluded.looked_at
    where gate.looked_at <= clock_timestamp() - $2 * interval '1 millisecond'
  returning integration`

/** Sorted, so that two processes never wait for each other's rows. */
const COMPARED = `
  insert into crossfade.comparison (integration, cohort, n)
    select * from unnest($1::text[], $2::text[], $3::bigint[]) c (integration, cohort, n) order by 1, 2
  on conflict (integration, cohort) do update set n = comparison.n + excluded.n`

export const makeGateRecords = (database: Database): GateRecords => ({
  loadAt: async () => {
    const [row] = await database.query<{ revision: number; gates: StoredGate[] }>('crossfade-gates', LOAD, [])
    return row ?? { revision: 0, gates: [] }
  },
  revision: async () => {
    const [row] = await database.query<{ n: number }>(
      'crossfade-gates-revision',
      `select n::float8 as n from crossfade.revision where what = 'gates'`,
      [],
    )
    return row?.n ?? 0
  },
  save: async (change) => {
    const [row] = await database.query<{ saved: { version: number; revision: number } | null }>(
      'crossfade-save-gate',
      SAVE,
      [
        change.integration,
        change.expected,
        JSON.stringify(change.record),
        change.definition === null ? null : JSON.stringify(change.definition),
        change.caps,
        change.epoch,
        change.reset,
        JSON.stringify(change.events),
      ],
    )
    return row?.saved ?? null
  },
  claim: async (integration, pace) => {
    const fresh = JSON.stringify({ flag: null, cohorts: {} })
    return (await database.query('crossfade-claim-gate', CLAIM, [integration, pace, fresh])).length === 1
  },
  compared: async (counts) => {
    if (counts.length === 0) return
    const values = [counts.map((c) => c.integration), counts.map((c) => c.cohort), counts.map((c) => c.n)]
    await database.query('crossfade-compared', COMPARED, values)
  },
})
