import type { IntegrationRow } from '../ledger.ts'
import type { Database } from './database.ts'

/** Registration and lease of replicas, in the ledger's own clock. */
export interface Replicas {
  /** Visible to every writer when it resolves. Replaces rows of the same name: that process is gone. */
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
  /** Ends the own lease early and stays registered: a replica that hears no messages says so, and nobody waits for it. */
  relinquish(id: string): Promise<void>
  /** These replicas can renew no more; returns the ms after which none of their leases holds. */
  revoke(ids: readonly string[]): Promise<number>
  /** Replicas whose lease is not over. Read it after the debt is durable, never before. */
  live(): Promise<readonly RegisteredReplica[]>
  /** Every row, also of the dead: a barrier waits for all of them or for an operator's word. */
  registered(): Promise<readonly RegisteredReplica[]>
}

export interface RegisteredReplica {
  readonly id: string
  readonly name: string
  readonly live: boolean
  readonly applied: Readonly<Record<string, number>>
}

const JOIN = `
  with gone as (delete from crossfade.replica where name = $2 and id <> $1)
  insert into crossfade.replica (id, name, until) values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
  on conflict (id) do update
    set until = excluded.until, revoked = false, joined_at = clock_timestamp(), applied = '{}'`

const RENEW = `
  update crossfade.replica set until = clock_timestamp() + $2 * interval '1 millisecond', applied = $3::jsonb
  where id = $1 and until > clock_timestamp() and not revoked returning id`

const REVOKE = `
  with revoked as (update crossfade.replica set revoked = true where id = any ($1::text[]) returning until)
  select coalesce(greatest(0, ceil(extract(epoch from max(until) - clock_timestamp()) * 1000)), 0)::int as remaining from revoked`

const LIST = 'select id, name, until > clock_timestamp() as live, applied from crossfade.replica'

export const makeReplicas = (database: Database, integrations: () => Promise<readonly IntegrationRow[]>): Replicas => ({
  join: async ({ id, name, lease }) => {
    await database.query('crossfade-join', JOIN, [id, name, lease])
  },
  renew: async ({ id, lease, applied }) => {
    const rows = await database.query('crossfade-renew', RENEW, [id, lease, JSON.stringify(applied)])
    return { renewed: rows.length === 1, integrations: await integrations() }
  },
  leave: async (id) => {
    await database.query('crossfade-leave', 'delete from crossfade.replica where id = $1', [id])
  },
  relinquish: async (id) => {
    await database.query(
      'crossfade-relinquish',
      'update crossfade.replica set until = clock_timestamp() where id = $1',
      [id],
    )
  },
  revoke: async (ids) => {
    const [row] = await database.query<{ remaining: number }>('crossfade-revoke', REVOKE, [ids])
    return row?.remaining ?? 0
  },
  live: () => database.query<RegisteredReplica>('crossfade-live', `${LIST} where until > clock_timestamp()`, []),
  registered: () => database.query<RegisteredReplica>('crossfade-registered', LIST, []),
})
