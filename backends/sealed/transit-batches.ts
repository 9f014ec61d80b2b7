/**
 * One call of transit for many items of one customer: cut to what a server takes, answered item by item. OpenBao refuses
 * a body of more than 1000 JSON strings, names of fields included (`max_request_json_strings`); an item has four.
 */
import { type Failure, no, unsure } from '../failure.ts'
import type { Call } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import type { VaultOutcome } from '../vault/request.ts'
import { type KeyRevoked, type KeyringFailure, REVOKED } from './keyring.ts'

export type TransitOperation = 'encrypt' | 'decrypt' | 'rewrap'

export interface TransitItem {
  readonly plaintext?: string
  readonly ciphertext?: string
  /** base64, as everything here. */
  readonly context: string
}

export type ItemOutcome =
  | { readonly kind: 'done'; readonly plaintext: string | null; readonly ciphertext: string | null }
  /** Wrong key version, wrong context, or no ciphertext of this key. */
  | { readonly kind: 'undecryptable' }
  /** There is no such key. */
  | { readonly kind: 'no-key' }
  | KeyRevoked
  | KeyringFailure

const MAX_ITEMS = 240
/** Far below a server's limit of a body, 32 MiB: several such calls are under way at once. */
const MAX_LENGTH = 4 * 1024 * 1024

/**
 * Sent with every encrypt. To a token that may create, `encrypt` makes a key that is not there; it does so only for types
 * that it knows, and does not look at the type of a key that is there. So whatever a token's policy allows, this call
 * never brings back a key that was deleted.
 */
const NEVER_MADE_HERE = { type: 'never-made-by-a-write' }

const FIELDS = {
  encrypt: { ...NEVER_MADE_HERE, partial_failure_response_code: 200 },
  decrypt: { partial_failure_response_code: 200 },
  rewrap: {},
} as const satisfies Record<TransitOperation, object>

export async function transitBatch(
  client: VaultClient,
  mount: readonly string[],
  operation: TransitOperation,
  key: string,
  items: readonly TransitItem[],
  call: Call,
): Promise<readonly ItemOutcome[]> {
  const calls = chunksOf(items).map(async (chunk) => {
    const body = JSON.stringify({ ...FIELDS[operation], batch_input: chunk })
    const outcome = await client.request({ method: 'POST', path: [...mount, operation, key], body }, call)
    return itemsOf(outcome, chunk.length)
  })
  return (await Promise.all(calls)).flat()
}

function chunksOf(items: readonly TransitItem[]): readonly (readonly TransitItem[])[] {
  const chunks: TransitItem[][] = []
  let length = 0
  for (const item of items) {
    const size = (item.plaintext ?? item.ciphertext ?? '').length
    const last = chunks.at(-1)
    if (last && last.length < MAX_ITEMS && length + size <= MAX_LENGTH) last.push(item)
    else {
      chunks.push([item])
      length = 0
    }
    length += size
  }
  return chunks
}

function itemsOf(outcome: VaultOutcome, count: number): readonly ItemOutcome[] {
  const all = (same: ItemOutcome): readonly ItemOutcome[] => Array.from({ length: count }, () => same)
  if (outcome.kind === 'failed') return all(outcome)
  const { results, errors } = parse(outcome.body)
  // With a status of 400, too, if every item failed.
  if (results?.length === count) return results.map(itemOf)
  const message = errors.join('\n')
  const known = WHOLE_CALL.find(([pattern]) => pattern.test(message))
  if (outcome.status === 400 && known) return all(known[1])
  if (outcome.status === 413) return all(failed(no('too-large')))
  return all(failed(outcome.status < 300 ? unsure('protocol') : no('rejected')))
}

const failed = (failure: Failure): KeyringFailure => ({ kind: 'failed', failure })

/** Texts of the server (builtin/logical/transit, internal/http/json.go); what is not known is no answer to rely on. */
const WHOLE_CALL: readonly (readonly [RegExp, ItemOutcome])[] = [
  [/encryption key not found|unknown key type/, { kind: 'no-key' }],
  [/soft-deleted/, REVOKED],
  [/too large|complexity|exceeds/, failed(no('too-large'))],
]
const ONE_ITEM: readonly (readonly [RegExp, ItemOutcome])[] = [
  [/soft-deleted/, REVOKED],
  [/encryption key not found/, { kind: 'no-key' }],
  [
    /message authentication failed|invalid ciphertext|disallowed by policy|missing ciphertext/,
    { kind: 'undecryptable' },
  ],
]

interface Result {
  readonly plaintext?: unknown
  readonly ciphertext?: unknown
  readonly error?: unknown
}

function itemOf({ plaintext, ciphertext, error }: Result): ItemOutcome {
  if (typeof error === 'string' && error !== '') {
    return ONE_ITEM.find(([pattern]) => pattern.test(error))?.[1] ?? failed(unsure('protocol'))
  }
  return { kind: 'done', plaintext: textOf(plaintext), ciphertext: textOf(ciphertext) }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

interface Parsed {
  readonly results: readonly Result[] | null
  readonly errors: readonly string[]
}

/** Errors of the parser are not passed on: they quote what they could not read. */
function parse(body: Buffer): Parsed {
  try {
    const { data, errors } = JSON.parse(body.toString('utf8')) as {
      data?: { batch_results?: unknown } | null
      errors?: unknown
    }
    const results = data?.batch_results
    const isList = Array.isArray(results) && results.every((item) => typeof item === 'object' && item !== null)
    return { results: isList ? results : null, errors: Array.isArray(errors) ? errors.map(String) : [] }
  } catch {
    return { results: null, errors: [] }
  }
}
