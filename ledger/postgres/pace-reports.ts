import type { Database } from './database.ts'

/** What a process tells the others that copy, or whose clients copying may disturb. `clients`: in the form of the room migrator. */
export interface PaceReport {
  /** Integrations that it works on now. */
  readonly busy: readonly string[]
  readonly clients: unknown
}

export interface PaceReports {
  /** Tells it for so many ms, and answers what the others told. */
  exchange(id: string, report: PaceReport, lease: number): Promise<ReadonlyMap<string, PaceReport>>
  others(id: string): Promise<ReadonlyMap<string, PaceReport>>
  /** Forgets what processes told that are long gone. */
  prune(): Promise<void>
}

type Row = PaceReport & { readonly id: string }

const TELL = `insert into crossfade.pace_report (id, busy, clients, until)
  values ($1, $2::text[], $3::json, clock_timestamp() + $4 * interval '1 millisecond')
  on conflict (id) do update set busy = excluded.busy, clients = excluded.clients, until = excluded.until`

const OTHERS = `select id, busy, clients from crossfade.pace_report where id <> $1 and until > clock_timestamp()`

const FORGET = `delete from crossfade.pace_report where until < clock_timestamp() - interval '1 minute'`

export function makePaceReports(database: Database): PaceReports {
  const others = async (id: string) => {
    const rows = await database.query<Row>('crossfade-pace-others', OTHERS, [id])
    return new Map(rows.map(({ id: other, ...report }) => [other, report]))
  }
  return {
    others,
    prune: async () => {
      await database.query(null, FORGET, [])
    },
    exchange: async (id, { busy, clients }, lease) => {
      await database.query('crossfade-pace-tell', TELL, [id, busy, JSON.stringify(clients), lease])
      return others(id)
    },
  }
}
