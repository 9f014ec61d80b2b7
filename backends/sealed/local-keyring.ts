/**
 * Keys of 32 random bytes, one a customer and version, wrapped by a root key that comes from a file and is kept in no
 * database. The wrapping is bound to customer and version. The first key of a customer is inserted "unless there is one"
 * and then read back, so replicas that race for it end with the same one. Unwrapped keys are kept in memory, bounded in
 * number and in time: a key that another replica rotated or destroyed is noticed after `cacheFor` at the latest.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { decrypt, encrypt, NONCE_BYTES } from '../gcm.ts'
import type { FailedAnswer, Statement } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Failure } from '../sql/sqlstate.ts'
import type { Call } from '../store.ts'
import { lengthPrefixed } from './envelope.ts'
import type { Keyring, KeyringFailure, OpenOutcome, OpenRequest, SealOutcome, SealRequest } from './keyring.ts'

export interface LocalKeyringOptions {
  readonly database: Database
  readonly schema: string
  readonly rootKey: KeyObject
  readonly clock: Clock
  readonly random: (bytes: number) => Uint8Array
  /** Customers kept in memory. */
  readonly cache: number
  /** In ms. */
  readonly cacheFor: number
}

/** The keys of one customer; null where one was destroyed or does not unwrap under this root key. */
interface CustomerKeys {
  readonly keys: ReadonlyMap<number, KeyObject | null>
  readonly newest: number
  readonly loaded: number
}
interface KeyRow {
  readonly customer: string
  readonly key_version: number
  readonly wrapped: Buffer | null
}
type Loaded = { readonly kind: 'loaded'; readonly of: (customer: string) => CustomerKeys | undefined } | FailedAnswer

const KEY_BYTES = 32
const UNUSABLE: Failure = { certain: true, reason: 'denied', passing: false }

export function makeLocalKeyring(options: LocalKeyringOptions): Keyring {
  const { database, clock, random, rootKey } = options
  const cache = new Map<string, CustomerKeys>()
  const sql = statements(options.schema)

  const cached = (customer: string): CustomerKeys | undefined => {
    const entry = cache.get(customer)
    return entry && clock.monotonic() - entry.loaded < options.cacheFor ? entry : undefined
  }

  const keep = (customer: string, entry: CustomerKeys): void => {
    cache.delete(customer)
    cache.set(customer, entry)
    const [oldest] = cache.keys()
    if (cache.size > options.cache && oldest !== undefined) cache.delete(oldest)
  }

  /** Fills the cache with the keys of these customers; one round trip for all that are missing. */
  const load = async (customers: readonly string[], call: Call): Promise<Loaded> => {
    const own = new Map<string, CustomerKeys>()
    const missing = new Set<string>()
    for (const customer of customers) {
      const entry = cached(customer)
      if (entry) own.set(customer, entry)
      else missing.add(customer)
    }
    if (missing.size > 0) {
      const answer = await database.ask<KeyRow>(sql.load, [[...missing]], call)
      if (answer.kind === 'failed') return answer
      for (const [customer, rows] of Map.groupBy(answer.rows, (row) => row.customer)) {
        const entry = unwrapAll(rows, rootKey, clock.monotonic())
        own.set(customer, entry)
        keep(customer, entry)
      }
    }
    return { kind: 'loaded', of: (customer) => own.get(customer) }
  }

  const create = async (customers: readonly string[], version: number, call: Call): Promise<FailedAnswer | null> => {
    const wrapped = customers.map((customer) => wrap(customer, version, rootKey, random))
    const answer = await database.ask(sql.create, [customers, version, wrapped], call)
    for (const customer of customers) cache.delete(customer)
    return answer.kind === 'failed' ? answer : null
  }

  const ensure = async (customers: readonly string[], call: Call): Promise<Loaded> => {
    const loaded = await load(customers, call)
    if (loaded.kind === 'failed') return loaded
    const without = [...new Set(customers)].filter((customer) => !loaded.of(customer))
    if (without.length === 0) return loaded
    return (await create(without, 1, call)) ?? load(customers, call)
  }

  const seal = async (requests: readonly SealRequest[], call: Call): Promise<readonly SealOutcome[]> => {
    const loaded = await ensure(
      requests.map(({ customer }) => customer),
      call,
    )
    if (loaded.kind === 'failed') return requests.map(() => failed(certainly(loaded.failure)))
    return requests.map(({ customer, plaintext, context }) => {
      const keyVersion = loaded.of(customer)?.newest ?? 0
      const key = loaded.of(customer)?.keys.get(keyVersion)
      if (!key) return failed(UNUSABLE)
      const nonce = random(NONCE_BYTES)
      return { kind: 'sealed', sealed: { keyVersion, nonce, ciphertext: encrypt(key, nonce, plaintext, context) } }
    })
  }

  const open = async (requests: readonly OpenRequest[], call: Call): Promise<readonly OpenOutcome[]> => {
    // A version that memory does not know was made by another replica since.
    for (const { customer, keyVersion } of requests) {
      if (cache.get(customer)?.keys.has(keyVersion) === false) cache.delete(customer)
    }
    const loaded = await load(
      requests.map(({ customer }) => customer),
      call,
    )
    if (loaded.kind === 'failed') return requests.map(() => failed(loaded.failure))
    return requests.map(({ customer, keyVersion, nonce, ciphertext, context }) => {
      const key = loaded.of(customer)?.keys.get(keyVersion)
      const plaintext = key ? decrypt(key, nonce, ciphertext, context) : null
      return plaintext ? { kind: 'opened', plaintext } : { kind: 'undecryptable' }
    })
  }

  return {
    seal,
    open,
    rotate: async (customer, call) => {
      cache.delete(customer)
      const loaded = await ensure([customer], call)
      if (loaded.kind === 'failed') return failed(loaded.failure)
      const keyVersion = (loaded.of(customer)?.newest ?? 0) + 1
      const refused = await create([customer], keyVersion, call)
      return refused ? failed(refused.failure) : { kind: 'rotated', keyVersion }
    },
    check: async (call) => {
      const answer = await database.ask<KeyRow>(sql.sample, [], call)
      if (answer.kind === 'failed')
        return [{ level: 'error', message: `the keys cannot be read: ${answer.failure.reason}` }]
      const fits = answer.rows.every((row) => unwrap(row, rootKey) !== null)
      return fits
        ? []
        : [{ level: 'error', message: 'the root key is not the one that the keys in the database were wrapped with' }]
    },
  }
}

const failed = (failure: Failure): KeyringFailure => ({ kind: 'failed', failure })

/** Nothing of the secret itself was sent yet, so its write has certainly not happened. */
const certainly = (failure: Failure): Failure =>
  failure.certain ? failure : { certain: true, reason: 'unavailable', passing: true }

const bindingOf = (customer: string, version: number): Buffer =>
  lengthPrefixed(['crossfade/data-key/1', customer, String(version)])

function wrap(customer: string, version: number, rootKey: KeyObject, random: (bytes: number) => Uint8Array): Buffer {
  const nonce = random(NONCE_BYTES)
  return Buffer.concat([nonce, encrypt(rootKey, nonce, random(KEY_BYTES), bindingOf(customer, version))])
}

function unwrap({ customer, key_version, wrapped }: KeyRow, rootKey: KeyObject): KeyObject | null {
  if (!wrapped) return null
  const nonce = wrapped.subarray(0, NONCE_BYTES)
  const key = decrypt(rootKey, nonce, wrapped.subarray(NONCE_BYTES), bindingOf(customer, key_version))
  return key && createSecretKey(key)
}

const unwrapAll = (rows: readonly KeyRow[], rootKey: KeyObject, loaded: number): CustomerKeys => ({
  keys: new Map(rows.map((row) => [row.key_version, unwrap(row, rootKey)])),
  newest: Math.max(...rows.map((row) => row.key_version)),
  loaded,
})

const statements = (schema: string) =>
  ({
    load: {
      name: 'crossfade_keys',
      text: `SELECT customer, key_version, wrapped FROM ${schema}.data_key WHERE customer = ANY ($1::text[])`,
    },
    create: {
      name: 'crossfade_key_create',
      text:
        `INSERT INTO ${schema}.data_key (customer, key_version, wrapped) ` +
        `SELECT c, $2::int, w FROM unnest($1::text[], $3::bytea[]) AS u(c, w) ON CONFLICT DO NOTHING`,
    },
    sample: {
      name: 'crossfade_key_sample',
      text: `SELECT customer, key_version, wrapped FROM ${schema}.data_key WHERE wrapped IS NOT NULL LIMIT 1`,
    },
  }) satisfies Record<string, Statement>
