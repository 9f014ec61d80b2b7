import type { Address } from '../../backends/secret.ts'
import type { Database } from './database.ts'

/** A stable difference between the sides: classes and fingerprints, never a value. */
export interface MismatchRecord extends Address {
  readonly source: 'shadow' | 'verify'
  readonly class: string
  readonly legacyFingerprint: string | null
  readonly newFingerprint: string | null
  readonly legacyVersion: string | null
  readonly newVersion: string | null
}

export interface StoredMismatch extends MismatchRecord {
  readonly id: string
  readonly at: string
  readonly resolvedAt: string | null
}

export interface Mismatches {
  /** One open record a secret: a newer one replaces it, under the same number, which is returned. */
  record(mismatch: MismatchRecord): Promise<string>
  /** Both sides were found equal again. */
  resolve(addresses: readonly Address[]): Promise<void>
  /** Newest first; `before` is the id that the page before ended with. */
  list(
    integrations: string | readonly string[],
    openOnly: boolean,
    limit: number,
    before?: string,
  ): Promise<readonly StoredMismatch[]>
}

const RECORD = `
  insert into crossfade.mismatch
    (integration, customer, name, source, class, legacy_fingerprint, new_fingerprint, legacy_version, new_version)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict (integration, customer, name) where resolved_at is null do update set
    at = clock_timestamp(), source = excluded.source, class = excluded.class, legacy_version = excluded.legacy_version,
    legacy_fingerprint = excluded.legacy_fingerprint, new_fingerprint = excluded.new_fingerprint, new_version = excluded.new_version
  returning id::text as id`

const RESOLVE = `
  update crossfade.mismatch m set resolved_at = clock_timestamp()
  from unnest($1::text[], $2::text[], $3::text[]) a (integration, customer, name)
  where (m.integration, m.customer, m.name) = (a.integration, a.customer, a.name) and m.resolved_at is null`

const LIST = `
  select id::text as id, at, integration, customer, name, source, class, legacy_fingerprint as "legacyFingerprint",
    new_fingerprint as "newFingerprint", legacy_version as "legacyVersion", new_version as "newVersion", resolved_at as "resolvedAt"
  from crossfade.mismatch
  where integration = any ($1::text[]) and (not $2 or resolved_at is null) and ($4::bigint is null or id < $4)
  order by mismatch.id desc limit $3`

type Listed = Omit<StoredMismatch, 'at' | 'resolvedAt'> & { readonly at: Date; readonly resolvedAt: Date | null }

export const makeMismatches = (database: Database): Mismatches => ({
  record: async (m) => {
    const fingerprints = [m.legacyFingerprint, m.newFingerprint, m.legacyVersion, m.newVersion]
    const [row] = await database.query<{ id: string }>('crossfade-mismatch', RECORD, [
      m.integration,
      m.customer,
      m.name,
      m.source,
      m.class,
      ...fingerprints,
    ])
    return (row as { id: string }).id
  },
  resolve: async (addresses) => {
    if (addresses.length === 0) return
    const values = [addresses.map((a) => a.integration), addresses.map((a) => a.customer), addresses.map((a) => a.name)]
    await database.query('crossfade-resolve', RESOLVE, values)
  },
  list: async (integrations, openOnly, limit, before) => {
    const rows = await database.query<Listed>('crossfade-mismatches', LIST, [
      [integrations].flat(),
      openOnly,
      limit,
      before ?? null,
    ])
    return rows.map((row) => ({ ...row, at: row.at.toISOString(), resolvedAt: row.resolvedAt?.toISOString() ?? null }))
  },
})
