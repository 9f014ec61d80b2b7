/**
 * Keys of 32 random bytes, one a customer and version, wrapped by a root key that comes from a file and is kept in no
 * database. The wrapping is bound to customer and version. The first key of a customer is inserted "unless there ever was
 * one" and then read back, so replicas that race for it end with the same one. Unwrapped keys are kept in memory, bounded
 * in number and in time: a key that another replica rotated is used after `cacheFor` at the latest. A revocation does not
 * wait for that: the store looks at the customer's row (customers.ts) in every statement.
 */
import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Failure } from '../failure.ts'
import { decrypt, encrypt, NONCE_BYTES } from '../gcm.ts'
import { columnwise } from '../sql/columnwise.ts'
import type { FailedAnswer } from '../sql/connection.ts'
import type { Database } from '../sql/database.ts'
import type { Call, StoreProblem } from '../store.ts'
import {
  type KeyChange,
  type KeyRevoked,
  type Keyring,
  type KeyringFailure,
  type OpenOutcome,
  type OpenRequest,
  REVOKED,
  type ResealOutcome,
  type Sealed,
  type SealOutcome,
  type SealRequest,
} from './keyring.ts'
import { type KeyRow, localKeyStatements, type Random, type RootKeys, rewrap, unwrap, wrapNew } from './local-keys.ts'

export interface LocalKeyringOptions {
  readonly database: Database
  readonly schema: string
  readonly rootKeys: RootKeys
  readonly clock: Clock
  readonly random: Random
  /** Customers kept in memory. */
  readonly cache: number
  /** In ms. */
  readonly cacheFor: number
}

/** The keys of one customer; null where one was destroyed or does not unwrap under any root key. */
interface CustomerKeys {
  readonly keys: ReadonlyMap<number, KeyObject | null>
  readonly newest: number
  /** Every version of it was destroyed. */
  readonly destroyed: boolean
  readonly loaded: number
}
type Loaded = { readonly kind: 'loaded'; readonly of: (customer: string) => CustomerKeys | undefined } | FailedAnswer

const UNUSABLE: Failure = { certain: true, reason: 'denied', passing: false }
const NO_KEY: KeyChange = { kind: 'refused', why: 'no-key' }

export function makeLocalKeyring(options: LocalKeyringOptions): Keyring {
  const { database, random, rootKeys } = options
  const sql = localKeyStatements(options.schema)
  const memory = makeMemory(options)

  const create = async (customers: readonly string[], call: Call): Promise<FailedAnswer | null> => {
    // In one order everywhere: two batches that make keys of the same customers do not wait for each other.
    const sorted = [...customers].sort()
    const wrapped = sorted.map((customer) => wrapNew(customer, 1, rootKeys, random))
    const answer = await database.ask(sql.create, [sorted, wrapped], call)
    return answer.kind === 'failed' ? answer : null
  }

  const ensure = async (customers: readonly string[], call: Call): Promise<Loaded> => {
    const loaded = await memory.load(customers, call)
    if (loaded.kind === 'failed') return loaded
    const without = [...new Set(customers)].filter((customer) => !loaded.of(customer))
    if (without.length === 0) return loaded
    return (await create(without, call)) ?? memory.load(customers, call)
  }

  const seal = async (requests: readonly SealRequest[], call: Call): Promise<readonly SealOutcome[]> => {
    const loaded = await ensure(
      requests.map(({ customer }) => customer),
      call,
    )
    if (loaded.kind === 'failed') return requests.map(() => failed(certainly(loaded.failure)))
    // Drawn for all at once: a call of the generator costs as much as sealing.
    const nonces = random(NONCE_BYTES * requests.length)
    return requests.map((request, at) => {
      const nonce = nonces.subarray(NONCE_BYTES * at, NONCE_BYTES * (at + 1))
      return sealOne(loaded.of(request.customer), request, nonce)
    })
  }

  const loadFor = async (requests: readonly OpenRequest[], call: Call): Promise<Loaded> => {
    // A version that memory does not know was made by another replica since.
    for (const { customer, keyVersion } of requests) memory.forgetUnless(customer, keyVersion)
    return memory.load(
      requests.map(({ customer }) => customer),
      call,
    )
  }

  const open = async (requests: readonly OpenRequest[], call: Call): Promise<readonly OpenOutcome[]> => {
    const loaded = await loadFor(requests, call)
    if (loaded.kind === 'failed') return requests.map(() => failed(loaded.failure))
    return requests.map((request) => openOne(loaded.of(request.customer), request))
  }

  const reseal = async (requests: readonly OpenRequest[], call: Call): Promise<readonly ResealOutcome[]> => {
    // Asked anew: another replica may have rotated since, and what memory takes for the newest would be left alone.
    for (const { customer } of requests) memory.forget(customer)
    const loaded = await loadFor(requests, call)
    if (loaded.kind === 'failed') return requests.map(() => failed(loaded.failure))
    return requests.map((request) => {
      const keys = loaded.of(request.customer)
      if (keys && request.keyVersion === keys.newest) return { kind: 'current' }
      const opened = openOne(keys, request)
      if (opened.kind !== 'opened') return opened
      return sealOne(keys, { ...request, plaintext: opened.plaintext }, random(NONCE_BYTES))
    })
  }

  const newestOf = async (customer: string, call: Call): Promise<CustomerKeys | null | FailedAnswer> => {
    memory.forget(customer)
    const loaded = await memory.load([customer], call)
    return loaded.kind === 'failed' ? loaded : (loaded.of(customer) ?? null)
  }

  const rotate = async (customer: string, call: Call): Promise<KeyChange> => {
    const keys = await newestOf(customer, call)
    if (keys === null) return NO_KEY
    if ('kind' in keys) return failed(keys.failure)
    const next = keys.newest + 1
    const wrapped = wrapNew(customer, next, rootKeys, random)
    const answer = await database.ask(sql.rotate, [customer, next, wrapped], call)
    if (answer.kind === 'failed') return failed(answer.failure)
    const after = await newestOf(customer, call)
    if (after === null) return NO_KEY
    if ('kind' in after) return failed(after.failure)
    // Another replica's rotation at the same instant is as good; no new version at all means that it may not be used.
    if (after.newest >= next) return { kind: 'done', keyVersion: after.newest }
    return { kind: 'refused', why: after.destroyed ? 'destroyed' : 'revoked' }
  }

  /** The customer's row is all there is to a revocation here; the keys stay as they are. */
  const keep = async (customer: string, call: Call): Promise<KeyChange> => {
    const keys = await newestOf(customer, call)
    if (keys === null) return NO_KEY
    if ('kind' in keys) return failed(keys.failure)
    return keys.destroyed ? { kind: 'refused', why: 'destroyed' } : { kind: 'done', keyVersion: keys.newest }
  }

  return {
    seal,
    open,
    reseal,
    rotate,
    revoke: keep,
    restore: keep,
    destroy: async (customer, call) => {
      memory.forget(customer)
      const answer = await database.ask(sql.destroy, [customer], call)
      return answer.kind === 'failed' ? failed(answer.failure) : { kind: 'done', keyVersion: null }
    },
    rewrapKeys: async ({ customer, after, limit }, call) => {
      const answer = await database.ask<KeyRow>(sql.page, [after ?? '', customer, limit], call)
      if (answer.kind === 'failed') return failed(answer.failure)
      const results = answer.rows
        .filter((row) => row.wrapped !== null)
        .map((row) => ({ row, result: rewrap(row, rootKeys, random) }))
      const fresh = results.flatMap(({ row, result }) =>
        result.kind === 'wrapped' ? [[row.customer, row.key_version, row.wrapped, result.wrapped]] : [],
      )
      if (fresh.length > 0) {
        const written = await database.ask(sql.rewrap, columnwise(fresh), call)
        if (written.kind === 'failed') return failed(written.failure)
      }
      const customers = new Set(answer.rows.map((row) => row.customer))
      return {
        kind: 'page',
        seen: results.length,
        wrapped: fresh.length,
        unusable: results.filter(({ result }) => result.kind === 'unusable').length,
        next: customers.size < limit ? null : (answer.rows.at(-1)?.customer ?? null),
      }
    },
    // Keys lie in the store's own database, which the store asks.
    ping: async () => null,
    check: async (call, tables) => {
      if (!tables) return []
      const answer = await database.ask<KeyRow>(sql.sample, [], call)
      if (answer.kind === 'failed') return [problem('error', `the keys cannot be read: ${answer.failure.reason}`)]
      return rootProblems(answer.rows, rootKeys, random)
    },
    close: async () => {},
  }
}

/** Unwrapped keys in memory, bounded in number and in time. */
function makeMemory({ database, schema, rootKeys, clock, cache: max, cacheFor }: LocalKeyringOptions) {
  const { load } = localKeyStatements(schema)
  const cache = new Map<string, CustomerKeys>()
  const cached = (customer: string): CustomerKeys | undefined => {
    const entry = cache.get(customer)
    return entry && clock.monotonic() - entry.loaded < cacheFor ? entry : undefined
  }
  const keep = (customer: string, entry: CustomerKeys): void => {
    cache.delete(customer)
    cache.set(customer, entry)
    const [oldest] = cache.keys()
    if (cache.size > max && oldest !== undefined) cache.delete(oldest)
  }
  return {
    forget: (customer: string): void => {
      cache.delete(customer)
    },
    forgetUnless: (customer: string, version: number): void => {
      if (cache.get(customer)?.keys.has(version) === false) cache.delete(customer)
    },
    /** The keys of these customers; one round trip for all that are not in memory. */
    load: async (customers: readonly string[], call: Call): Promise<Loaded> => {
      const own = new Map<string, CustomerKeys>()
      const missing = new Set<string>()
      for (const customer of customers) {
        const entry = cached(customer)
        if (entry) own.set(customer, entry)
        else missing.add(customer)
      }
      if (missing.size > 0) {
        // Of the moment before they are read: what is rotated while the answer travels is noticed in time.
        const now = clock.monotonic()
        const answer = await database.ask<KeyRow>(load, [[...missing]], call)
        if (answer.kind === 'failed') return answer
        for (const [customer, rows] of Map.groupBy(answer.rows, (row) => row.customer)) {
          const entry = unwrapAll(rows, rootKeys, now)
          own.set(customer, entry)
          keep(customer, entry)
        }
      }
      return { kind: 'loaded', of: (customer) => own.get(customer) }
    },
  }
}

const failed = (failure: Failure): KeyringFailure => ({ kind: 'failed', failure })

/** Nothing of the secret itself was sent yet, so its write has certainly not happened. */
const certainly = (failure: Failure): Failure =>
  failure.certain ? failure : { certain: true, reason: 'unavailable', passing: true }

function sealOne(
  keys: CustomerKeys | undefined,
  { plaintext, context }: SealRequest,
  nonce: Uint8Array,
): { readonly kind: 'sealed'; readonly sealed: Sealed } | KeyRevoked | KeyringFailure {
  // No key although one was asked for: there once was one.
  if (!keys || keys.destroyed) return REVOKED
  const key = keys.keys.get(keys.newest)
  if (!key) return failed(UNUSABLE)
  const ciphertext = encrypt(key, nonce, plaintext, context)
  return { kind: 'sealed', sealed: { keyVersion: keys.newest, nonce, ciphertext } }
}

function openOne(keys: CustomerKeys | undefined, { keyVersion, nonce, ciphertext, context }: OpenRequest) {
  if (keys?.destroyed) return REVOKED
  const key = keys?.keys.get(keyVersion)
  const plaintext = key ? decrypt(key, nonce, ciphertext, context) : null
  return plaintext ? ({ kind: 'opened', plaintext } as const) : ({ kind: 'undecryptable' } as const)
}

const unwrapAll = (rows: readonly KeyRow[], roots: RootKeys, loaded: number): CustomerKeys => ({
  keys: new Map(rows.map((row) => [row.key_version, unwrap(row, roots)])),
  newest: Math.max(...rows.map((row) => row.key_version)),
  destroyed: rows.every((row) => row.wrapped === null),
  loaded,
})

const problem = (level: StoreProblem['level'], message: string): StoreProblem => ({ level, message })

/** What a sample of the keys says of the root keys. */
function rootProblems(rows: readonly KeyRow[], roots: RootKeys, random: Random): StoreProblem[] {
  const kinds = new Set(rows.map((row) => rewrap(row, roots, random).kind))
  const wrong = 'the root key is not the one that the keys in the database were wrapped with'
  const older = 'some keys are still wrapped by the previous root key: crossfade keys rewrap carries them over'
  return [
    // Where it is some of them, the others' customers are served.
    ...(kinds.has('unusable')
      ? [
          kinds.size > 1
            ? { ...problem('error', `${wrong}: some of them`), passing: true as const }
            : problem('error', wrong),
        ]
      : []),
    ...(kinds.has('wrapped') ? [problem('warning', older)] : []),
  ]
}
