import pg from 'pg'
import { LEGACY_TABLE } from '../../bin/embedded/sample/legacy.ts'
import type { Legacy, LegacyRow } from './legacy.ts'

const ALL = `
  select provider as integration, org_id as customer, key as name, secret as value, content_type as "contentType",
    attributes as metadata
  from ${LEGACY_TABLE}`

const CHANGE = `update ${LEGACY_TABLE} set secret = secret || '!'::bytea where provider = $1 and org_id = $2 and key = $3`

const INSERT = `
  insert into ${LEGACY_TABLE} (provider, org_id, key, secret, content_type, attributes)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::jsonb[])`

/** The table of the embedded system; `url` has its password. */
export function openLegacyTable(url: string): Legacy {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  // A pool says that it has ended before its last connection is closed, and the server may stop first: no failure.
  pool.on('error', () => undefined)
  return {
    seed: async (rows) => {
      await pool.query(INSERT, [
        rows.map(({ integration }) => integration),
        rows.map(({ customer }) => customer),
        rows.map(({ name }) => name),
        rows.map(({ value }) => value),
        rows.map(({ contentType }) => contentType),
        rows.map(({ metadata }) => JSON.stringify(metadata)),
      ])
    },
    read: async () => (await pool.query<LegacyRow>(ALL)).rows,
    damage: async ({ integration, customer, name }) => {
      const { rowCount } = await pool.query(CHANGE, [integration, customer, name])
      if (rowCount !== 1) throw new Error('the row to damage was not there')
    },
    close: () => pool.end(),
  }
}
