import type { IntegrationRow } from '../ledger.ts'
import type { Database } from './database.ts'

/** Registration and lease of replicas, in the ledger's own clock. */
export interface Replicas {
  /** Visible to every writer when it resolves. Replaces rows of the same name that nobody has kept up for a while. */
  join(replica: { readonly id: string; readonly name: string; readonly lease: number }): Promise<void>
  /**
   * Renews the lease and records what was put into effect. False: the lease had ended or was revoked, so the replica
   * must join and load again before it trusts its memory. Also returns the integrations as they are now.
   */
  renew(replica: {
    readonly id: string
    readonly lease: number
    readonly applied: Readonly<Record<string, number>>
  }): Promise<{ readonly renewed: boolean; readonly integrations: readonly IntegrationRow[] }>
  leave(id: string): Promise<void>
  /**
   * Ends the own lease early and stays registered: a replica that hears no messages says so, and nobody waits for it.
   * Records what it has put into effect all the same, because the barriers wait for it.
   */
  relinquish(
    id: string,
    registered?: { readonly name: string; readonly applied: Readonly<Record<string, number>> },
  ): Promise<void>
  /** These replicas can renew no more; returns the ms after which none of their leases holds. */
  revoke(ids: readonly string[]): Promise<number>
  /** Replicas whose lease is not over, in the order in which they joined. Read it after the debt is durable, never before. */
  live(): Promise<readonly RegisteredReplica[]>
  /** Every row, also of the dead: a barrier waits for all of them or for an operator's word. */
  registered(): Promise<readonly RegisteredReplica[]>
}

/** An operator's word that a process is gone: barriers no longer wait for it. */
export interface Forgetting {
  /** Removes the rows of this name; refused while one of them gives a sign of life. */
  forget(name: string): Promise<'forgotten' | 'alive' | 'unknown'>
}

export interface RegisteredReplica {
  readonly id: string
  readonly name: string
  /** Its lease holds. */
  readonly live: boolean
  /** ms since it last gave a sign of life; 0 while its lease holds. One that hears no messages still gives them. */
  readonly silentFor?: number
  /** ms since it joined; its lease was never over since then. */
  readonly joinedFor?: number
  /** A writer took its lease away and it has not joined again since. */
  readonly revoked?: boolean
  readonly applied: Readonly<Record<string, number>>
}

/**
 * A process that was killed left its row behind; the next one of its name removes it. Not at once: were two processes
 * given the same name, each would take the other's row away while that one still serves from memory.
 */
const GONE_FOR = "interval '5 seconds'"
const SWEEP = (id: string, name: string) =>
  `delete from crossfade.replica where name = ${name} and id <> ${id} and until < clock_timestamp() - ${GONE_FOR}`

const JOIN = `
  with gone as (${SWEEP('$1', '$2')})
  insert into crossfade.replica (id, name, until) values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
  on conflict (id) do update
    set until = excluded.until, revoked = false, joined_at = clock_timestamp(), applied = '{}'`

const RENEW = `
  with gone as (${SWEEP('$1', '(select name from crossfade.replica where id = $1)')})
  update crossfade.replica set until = clock_timestamp() + $2 * interval '1 millisecond', applied = $3::jsonb
  where id = $1 and until > clock_timestamp() and not revoked returning id`

const RELINQUISH = 'update crossfade.replica set until = clock_timestamp() where id = $1'

const RELINQUISH_AND_RECORD = `
  with gone as (${SWEEP('$1', '$2')})
  insert into crossfade.replica (id, name, until, applied) values ($1, $2, clock_timestamp(), $3::jsonb)
  on conflict (id) do update set until = excluded.until, applied = excluded.applied`

const REVOKE = `
  with revoked as (update crossfade.replica set revoked = true where id = any ($1::text[]) returning until)
  select coalesce(greatest(0, ceil(extract(epoch from max(until) - clock_timestamp()) * 1000)), 0)::int as remaining from revoked`

const LIST = `
  select id, name, until > clock_timestamp() as live, revoked, applied,
    greatest(0, floor(extract(epoch from clock_timestamp() - until) * 1000))::float8 as "silentFor",
    greatest(0, floor(extract(epoch from clock_timestamp() - joined_at) * 1000))::float8 as "joinedFor"
  from crossfade.replica`

const FORGET = `
  with named as (select id, until < clock_timestamp() - ${GONE_FOR} as gone from crossfade.replica where name = $1),
    removed as (delete from crossfade.replica r using named n where r.id = n.id and (select bool_and(gone) from named))
  select count(*)::int as found, coalesce(bool_and(gone), false) as gone from named`

/** `leases`: connections that nothing but leases uses, so that no statement of anything else delays a renewal. */
export const makeReplicas = (
  database: Database,
  integrations: () => Promise<readonly IntegrationRow[]>,
  leases: Database = database,
): Replicas => ({
  join: ({ id, name, lease }) =>
    leases.transaction(async (query) => {
      // One after the other, so that `joined_at` is the order in which they became visible.
      await query(null, "select pg_advisory_xact_lock(hashtextextended('crossfade.join', 0))", [])
      await query('crossfade-join', JOIN, [id, name, lease])
    }),
  renew: async ({ id, lease, applied }) => {
    const rows = await leases.query('crossfade-renew', RENEW, [id, lease, JSON.stringify(applied)])
    return { renewed: rows.length === 1, integrations: await integrations() }
  },
  leave: async (id) => {
    await leases.query('crossfade-leave', 'delete from crossfade.replica where id = $1', [id])
  },
  relinquish: async (id, registered) => {
    if (registered === undefined) await leases.query('crossfade-relinquish', RELINQUISH, [id])
    else {
      const { name, applied } = registered
      await leases.query('crossfade-relinquish-record', RELINQUISH_AND_RECORD, [id, name, JSON.stringify(applied)])
    }
  },
  revoke: async (ids) => {
    const [row] = await database.query<{ remaining: number }>('crossfade-revoke', REVOKE, [ids])
    return row?.remaining ?? 0
  },
  live: () =>
    database.query<RegisteredReplica>(
      'crossfade-live',
      `${LIST} where until > clock_timestamp() order by joined_at`,
      [],
    ),
  registered: () => database.query<RegisteredReplica>('crossfade-registered', LIST, []),
})

export const makeForgetting = (database: Database): Forgetting => ({
  forget: async (name) => {
    const [row] = await database.query<{ found: number; gone: boolean }>('crossfade-forget', FORGET, [name])
    if (row === undefined || row.found === 0) return 'unknown'
    return row.gone ? 'forgotten' : 'alive'
  },
})

/** The ledger's own name, made with its schema: replicas of one ledger meet under it. */
export async function readLedgerId(database: Database): Promise<string> {
  const [row] = await database.query<{ id: string }>(null, 'select id from crossfade.identity', [])
  return (row as { id: string }).id
}
