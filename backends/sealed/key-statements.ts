/** The SQL of the care for keys: over all rows by keyset, so that nothing is held between two pages. */
import type { Statement } from '../sql/connection.ts'

export interface SealedRow {
  readonly integration: string
  readonly customer: string
  readonly name: string
  readonly version: string
  readonly id: string
  /** Null: a tombstone. */
  readonly key_version: number | null
  readonly nonce: Buffer
  readonly ciphertext: Buffer
}

export interface StateCount {
  readonly state: string
  readonly count: number
}

const FIELDS =
  'v.integration, v.customer, v.name, v.version::text AS version, v.id::text AS id, v.key_version, v.nonce, v.ciphertext'
const KEY = '(v.integration, v.customer, v.name, v.version)'
const ORDER = 'ORDER BY v.integration, v.customer, v.name, v.version'

/** The integrations from $1 on, one descent of the index each: it begins with them, and there are few. */
const integrations = (table: string): string =>
  `WITH RECURSIVE i(integration) AS (` +
  `(SELECT v.integration FROM ${table} v WHERE v.integration >= $1::text ORDER BY v.integration LIMIT 1) UNION ALL ` +
  `SELECT (SELECT v.integration FROM ${table} v WHERE v.integration > i.integration ORDER BY v.integration LIMIT 1) ` +
  `FROM i WHERE i.integration IS NOT NULL)`

export const keyStatements = (schema: string) => {
  const table = `${schema}.version`
  return {
    states: {
      name: 'crossfade_key_states',
      text:
        `SELECT state, count(*)::int AS count FROM ${schema}.customer ` +
        `WHERE $1::text IS NULL OR customer = $1::text GROUP BY state`,
    },
    count: {
      name: 'crossfade_key_rows',
      text: `SELECT count(*)::int AS count FROM ${table} v WHERE v.ciphertext IS NOT NULL`,
    },
    countOf: {
      name: 'crossfade_key_rows_of',
      text:
        `${integrations(table)} SELECT count(*)::int AS count FROM i JOIN ${table} v ON v.integration = i.integration ` +
        `AND v.customer = $2::text WHERE v.ciphertext IS NOT NULL`,
    },
    customers: {
      name: 'crossfade_key_customers',
      text: `SELECT customer FROM ${schema}.customer WHERE customer > $1::text AND state = 'active' ORDER BY customer LIMIT $2::int`,
    },
    rows: {
      name: 'crossfade_key_page_rows',
      text: `SELECT ${FIELDS} FROM ${table} v WHERE ${KEY} > ($1::text, $2::text, $3::text, $4::bigint) ${ORDER} LIMIT $5::int`,
    },
    rowsOf: {
      name: 'crossfade_key_page_rows_of',
      text:
        `${integrations(table)} SELECT ${FIELDS} FROM i JOIN ${table} v ON v.integration = i.integration AND v.customer = $6::text ` +
        `WHERE ${KEY} > ($1::text, $2::text, $3::text, $4::bigint) ${ORDER} LIMIT $5::int`,
    },
    // A version never changes but for this, so its key version says whether it is still what was read.
    reseal: {
      name: 'crossfade_reseal',
      text:
        `UPDATE ${table} v SET key_version = i.fresh, nonce = i.nonce, ciphertext = i.ciphertext ` +
        `FROM unnest($1::uuid[], $2::int[], $3::int[], $4::bytea[], $5::bytea[]) AS i(id, old, fresh, nonce, ciphertext) ` +
        `WHERE v.id = i.id AND v.key_version = i.old`,
    },
  } satisfies Record<string, Statement>
}
