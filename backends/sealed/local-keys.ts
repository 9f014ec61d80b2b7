/** How the keys of the `local` keyring lie in their table, and how a root key wraps one. */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, NONCE_BYTES } from '../gcm.ts'
import type { Statement } from '../sql/connection.ts'
import { lengthPrefixed } from './envelope.ts'

export interface KeyRow {
  readonly customer: string
  readonly key_version: number
  /** Null: destroyed. */
  readonly wrapped: Buffer | null
}

/** The first wraps; all of them unwrap, so that a root key can be exchanged while replicas run. */
export type RootKeys = readonly [newest: KeyObject, ...older: KeyObject[]]
export type Random = (bytes: number) => Uint8Array

const KEY_BYTES = 32

/** A wrapped key opens for its customer and version only. */
const bindingOf = (customer: string, version: number): Buffer =>
  lengthPrefixed(['crossfade/data-key/1', customer, String(version)])

export const wrapNew = (customer: string, version: number, [newest]: RootKeys, random: Random): Buffer =>
  wrap(random(KEY_BYTES), customer, version, newest, random)

function wrap(key: Uint8Array, customer: string, version: number, root: KeyObject, random: Random): Buffer {
  const nonce = random(NONCE_BYTES)
  return Buffer.concat([nonce, encrypt(root, nonce, key, bindingOf(customer, version))])
}

function unwrapBy({ customer, key_version, wrapped }: KeyRow, root: KeyObject): Buffer | null {
  if (!wrapped) return null
  const nonce = wrapped.subarray(0, NONCE_BYTES)
  return decrypt(root, nonce, wrapped.subarray(NONCE_BYTES), bindingOf(customer, key_version))
}

/** Null: destroyed, or wrapped by none of the root keys. */
export function unwrap(row: KeyRow, roots: RootKeys): KeyObject | null {
  for (const root of roots) {
    const key = unwrapBy(row, root)
    if (key) return createSecretKey(key)
  }
  return null
}

export type Rewrapped =
  | { readonly kind: 'current' | 'unusable' }
  | { readonly kind: 'wrapped'; readonly wrapped: Buffer }

/** The same key under the newest root key. */
export function rewrap(row: KeyRow, [newest, ...older]: RootKeys, random: Random): Rewrapped {
  if (unwrapBy(row, newest)) return { kind: 'current' }
  for (const root of older) {
    const key = unwrapBy(row, root)
    if (key) return { kind: 'wrapped', wrapped: wrap(key, row.customer, row.key_version, newest, random) }
  }
  return { kind: 'unusable' }
}

export const localKeyStatements = (schema: string) =>
  ({
    load: {
      name: 'crossfade_keys',
      text: `SELECT customer, key_version, wrapped FROM ${schema}.data_key WHERE customer = ANY ($1::text[])`,
    },
    // Only for customers of whom the store has never heard: a key that was lost or destroyed is not made again.
    create: {
      name: 'crossfade_key_create',
      text:
        `WITH entered AS (INSERT INTO ${schema}.customer AS c (customer, state) SELECT u.c, 'active' FROM unnest($1::text[]) AS u(c) ` +
        `ON CONFLICT DO NOTHING RETURNING c.customer) ` +
        `INSERT INTO ${schema}.data_key (customer, key_version, wrapped) ` +
        `SELECT e.customer, 1, u.w FROM unnest($1::text[], $2::bytea[]) AS u(c, w) JOIN entered e ON e.customer = u.c ` +
        `ON CONFLICT DO NOTHING`,
    },
    // The row of the customer is locked: a revocation comes before or after, and a destruction sees the new version.
    rotate: {
      name: 'crossfade_key_rotate',
      text:
        `WITH may AS (SELECT c.customer FROM ${schema}.customer c WHERE c.customer = $1::text AND c.state = 'active' FOR SHARE) ` +
        `INSERT INTO ${schema}.data_key (customer, key_version, wrapped) SELECT customer, $2::int, $3::bytea FROM may ` +
        `ON CONFLICT DO NOTHING RETURNING key_version`,
    },
    destroy: {
      name: 'crossfade_key_destroy',
      text: `UPDATE ${schema}.data_key SET wrapped = NULL WHERE customer = $1::text AND wrapped IS NOT NULL`,
    },
    page: {
      name: 'crossfade_key_page',
      text:
        `SELECT customer, key_version, wrapped FROM ${schema}.data_key WHERE customer IN (` +
        `SELECT DISTINCT customer FROM ${schema}.data_key WHERE customer > $1::text AND customer = coalesce($2::text, customer) ` +
        `ORDER BY customer LIMIT $3::int) ORDER BY customer, key_version`,
    },
    // Conditional on what was read: a key that was destroyed meanwhile stays destroyed.
    rewrap: {
      name: 'crossfade_key_rewrap',
      text:
        `UPDATE ${schema}.data_key d SET wrapped = i.fresh FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[]) ` +
        `AS i(customer, key_version, old, fresh) ` +
        `WHERE d.customer = i.customer AND d.key_version = i.key_version AND d.wrapped = i.old`,
    },
    sample: {
      name: 'crossfade_key_sample',
      text:
        `(SELECT customer, key_version, wrapped FROM ${schema}.data_key WHERE wrapped IS NOT NULL ORDER BY customer LIMIT 500) UNION ` +
        `(SELECT customer, key_version, wrapped FROM ${schema}.data_key WHERE wrapped IS NOT NULL ORDER BY customer DESC LIMIT 500)`,
    },
  }) satisfies Record<string, Statement>
