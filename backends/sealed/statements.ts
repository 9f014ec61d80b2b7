/**
 * The SQL of the sealed store. A write is one statement: it moves the secret's head from the expected version to the
 * next, which is the condition and the lock in one, then adds the row of that version and drops old ones. Every part
 * judges the deadline by the store's own clock, and the last one once more in RETURNING, after every lock wait: dividing
 * by zero rolls the whole statement back. What remains is the time between that and the commit.
 */
import type { Statement } from '../sql/connection.ts'
import { STORE_MS, type Timed } from '../sql/database.ts'
import { isRevoked } from './customers.ts'

export interface VersionRow {
  /** Null: there is no such secret. */
  readonly version: string | null
  readonly id: string
  readonly key_version: number | null
  readonly nonce: Buffer
  readonly ciphertext: Buffer
  readonly revoked: boolean
}
export interface HeadRow {
  readonly version: string | null
}
export interface WrittenRow extends Timed {
  readonly version: string | null
  readonly id: string | null
  readonly late: boolean
  readonly revoked: boolean
}

export type SealedStatements = Readonly<
  Record<'one' | 'many' | 'heads' | 'writeOne' | 'writeMany' | 'scan' | 'scanCustomer', Statement>
>

const KEY = 'integration, customer, name'
const ADDRESSES = `unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS i(${KEY}, n)`
const IN_TIME = 'clock_timestamp() < to_timestamp($9::float8 / 1000)'
const same = (a: string, b: string): string =>
  ['integration', 'customer', 'name'].map((part) => `${a}.${part} = ${b}.${part}`).join(' AND ')

export function sealedStatements(schema: string, keep: number): SealedStatements {
  const latest = `FROM ${schema}.version v WHERE`
  const fields = `v.version::text AS version, v.id::text AS id, v.key_version, v.nonce, v.ciphertext, ${isRevoked(schema, 'v.customer')} AS revoked`
  const entry = `SELECT s.customer, s.name, s.id::text AS version FROM ${schema}.secret s WHERE s.integration = $1::text AND NOT s.deleted`
  return {
    // One descent of the primary key's index, from its end.
    one: {
      name: 'crossfade_get',
      text:
        `SELECT ${fields} ${latest} v.integration = $1::text AND v.customer = $2::text AND v.name = $3::text ` +
        `ORDER BY v.version DESC LIMIT 1`,
    },
    many: {
      name: 'crossfade_get_many',
      text:
        `SELECT l.* FROM ${ADDRESSES} LEFT JOIN LATERAL ` +
        `(SELECT ${fields} ${latest} ${same('v', 'i')} ORDER BY v.version DESC LIMIT 1) l ON true ORDER BY i.n`,
    },
    heads: {
      name: 'crossfade_heads',
      text: `SELECT s.version::text AS version FROM ${ADDRESSES} LEFT JOIN ${schema}.secret s ON ${same('s', 'i')} ORDER BY i.n`,
    },
    writeOne: { name: 'crossfade_write_one', text: writeText(schema, keep, ONE) },
    writeMany: { name: 'crossfade_write_many', text: writeText(schema, keep, MANY) },
    scan: {
      name: 'crossfade_scan',
      text: `${entry} AND (s.customer, s.name) > ($2::text, $3::text) ORDER BY s.customer, s.name LIMIT $4::int`,
    },
    scanCustomer: {
      name: 'crossfade_scan_customer',
      text: `${entry} AND s.customer = $2::text AND s.name > $3::text ORDER BY s.name LIMIT $4::int`,
    },
  }
}

const FIELDS_SENT = [
  ['integration', 'text'],
  ['customer', 'text'],
  ['name', 'text'],
  ['expected', 'bigint'],
  ['id', 'uuid'],
  ['key_version', 'int'],
  ['nonce', 'bytea'],
  ['ciphertext', 'bytea'],
] as const

/** A single row is inlined: no array to unnest, nothing to sort or hash. */
const ONE = `input AS NOT MATERIALIZED (SELECT ${FIELDS_SENT.map(([name, type], at) => `$${at + 1}::${type} AS ${name}`).join(', ')}, 1 AS n)`
const MANY =
  `input AS (SELECT * FROM unnest(${FIELDS_SENT.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ')}) ` +
  `WITH ORDINALITY AS i(${FIELDS_SENT.map(([name]) => name).join(', ')}, n))`

/** A removal needs no key. */
const mayWrite = (schema: string): string => `(i.ciphertext IS NULL OR NOT ${isRevoked(schema, 'i.customer')})`

/** $4 expected version (0: none yet), $5 id, $6 key version, $7 nonce, $8 ciphertext (null: a tombstone), $9 deadline. */
const writeText = (schema: string, keep: number, input: string): string => `
WITH ${input},
moved AS (
  UPDATE ${schema}.secret s SET version = s.version + 1, id = i.id, deleted = i.ciphertext IS NULL
  FROM input i WHERE ${same('s', 'i')} AND s.version = i.expected AND i.expected > 0 AND ${mayWrite(schema)} AND ${IN_TIME}
  RETURNING s.integration, s.customer, s.name, s.version
),
created AS (
  INSERT INTO ${schema}.secret AS s (${KEY}, version, id, deleted)
  SELECT i.integration, i.customer, i.name, 1, i.id, i.ciphertext IS NULL FROM input i WHERE i.expected = 0 AND ${mayWrite(schema)} AND ${IN_TIME}
  ON CONFLICT (${KEY}) DO NOTHING
  RETURNING s.integration, s.customer, s.name, s.version
),
heads AS (SELECT * FROM moved UNION ALL SELECT * FROM created),
added AS (
  INSERT INTO ${schema}.version AS v (${KEY}, version, id, key_version, nonce, ciphertext)
  SELECT i.integration, i.customer, i.name, h.version, i.id, i.key_version, i.nonce, i.ciphertext
  FROM input i JOIN heads h USING (${KEY})
  RETURNING v.integration, v.customer, v.name, v.version, v.id, 1 / (${IN_TIME})::int AS in_time
),
pruned AS (
  -- A delete leaves nothing of the value behind. What was created has nothing older.
  DELETE FROM ${schema}.version v USING input i JOIN moved h USING (${KEY})
  WHERE ${same('v', 'i')} AND v.version <= h.version - CASE WHEN i.ciphertext IS NULL THEN 1 ELSE ${keep} END
)
SELECT a.version::text AS version, a.id::text AS id, NOT ${IN_TIME} AS late,
  CASE WHEN a.version IS NULL THEN NOT ${mayWrite(schema)} ELSE false END AS revoked, ${STORE_MS} AS store_ms
FROM input i LEFT JOIN added a USING (${KEY}) ORDER BY i.n`
