/**
 * One key a customer in the transit engine of Vault or OpenBao; no key is ever in this process. Keys are `derived`: the
 * context of a value makes a key of its own, so that a row which is moved does not open. That binds as additional data
 * would, and `rewrap`, which knows no additional data (OpenBao 2.7), takes it: values are carried to a new version
 * without their plaintext.
 *
 * A first key is made by an explicit call, and only for a customer of whom the store's own table (customers.ts) says that
 * none was ever made; `encrypt` never makes one (transit-batches.ts). So a key that was deleted stays so.
 */
import { type Failure, no } from '../failure.ts'
import type { Call } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import type { Customers } from './customers.ts'
import { keyNameOf } from './key-name.ts'
import type {
  KeyChange,
  Keyring,
  KeyringFailure,
  OpenOutcome,
  OpenRequest,
  ResealOutcome,
  Sealed,
  SealOutcome,
  SealRequest,
} from './keyring.ts'
import { REVOKED } from './keyring.ts'
import { type ItemOutcome, type TransitItem, type TransitOperation, transitBatch } from './transit-batches.ts'
import { checkTransit } from './transit-check.ts'
import { type KeyAnswer, makeTransitKeys } from './transit-keys.ts'

export interface TransitKeyringOptions {
  readonly client: VaultClient
  /** Segments of the mount's path. */
  readonly mount: readonly string[]
  /** With `{customer}` in it. */
  readonly keyName: string
  readonly customers: Customers
  /** Customers of whom is remembered that they have a key. */
  readonly cache: number
}

export function makeTransitKeyring(options: TransitKeyringOptions): Keyring {
  const { client, mount } = options
  const keys = makeTransitKeys(client, mount)
  const nameOf = (customer: string): string => keyNameOf(options.keyName, customer)
  const first = makeFirstKeys(options, (customer, call) => keys.create(nameOf(customer), call))

  /** Requests of one customer travel together; the outcomes are in the order of the requests. */
  const perCustomer = async <R extends { readonly customer: string }, O>(
    requests: readonly R[],
    work: (customer: string, own: readonly R[]) => Promise<readonly O[]>,
  ): Promise<readonly O[]> => {
    const outcomes: O[] = new Array(requests.length)
    const places = Map.groupBy(requests.keys(), (at) => (requests[at] as R).customer)
    await Promise.all(
      [...places].map(async ([customer, own]) => {
        const given = await work(
          customer,
          own.map((at) => requests[at] as R),
        )
        own.forEach((at, n) => {
          outcomes[at] = given[n] as O
        })
      }),
    )
    return outcomes
  }
  const send = (operation: TransitOperation, customer: string, items: readonly TransitItem[], call: Call) =>
    transitBatch(client, mount, operation, nameOf(customer), items, call)

  const sealOwn = async (
    customer: string,
    own: readonly SealRequest[],
    call: Call,
  ): Promise<readonly SealOutcome[]> => {
    const items = own.map(({ plaintext, context }) => ({ plaintext: base64(plaintext), context: base64(context) }))
    const outcomes = await send('encrypt', customer, items, call)
    if (!outcomes.some(isDenied)) return outcomes.map(sealOutcome)
    // A token that may not create is denied where there is no key.
    const gone = (await keys.read(nameOf(customer), call)).kind === 'no-key'
    return outcomes.map((outcome) => (gone && isDenied(outcome) ? REVOKED : sealOutcome(outcome)))
  }

  const seal: Keyring['seal'] = async (requests, call) => {
    const stopped = await first(new Set(requests.map(({ customer }) => customer)), call)
    return perCustomer(requests, async (customer, own) => {
      const failure = stopped(customer)
      return failure ? own.map(() => failed(certainly(failure))) : sealOwn(customer, own, call)
    })
  }

  const open: Keyring['open'] = (requests, call) =>
    perCustomer(requests, async (customer, own) =>
      (await send('decrypt', customer, own.map(itemOf), call)).map(openOutcome),
    )

  const reseal: Keyring['reseal'] = (requests, call) =>
    perCustomer(requests, async (customer, own): Promise<readonly ResealOutcome[]> => {
      const key = await keys.read(nameOf(customer), call)
      if (key.kind === 'failed') return own.map(() => key)
      if (key.kind !== 'key' || key.softDeleted) return own.map(() => REVOKED)
      const isOlder = own.map(({ keyVersion }) => keyVersion !== key.latest)
      const older = own.filter((_, at) => isOlder[at])
      const sent = older.length === 0 ? [] : await send('rewrap', customer, older.map(itemOf), call)
      const carried = sent.map(resealOutcome).values()
      return isOlder.map((is) => (is ? (carried.next().value as ResealOutcome) : CURRENT))
    })

  const changed = async (
    customer: string,
    change: (name: string, call: Call) => Promise<KeyAnswer>,
    call: Call,
  ): Promise<KeyChange> => {
    const name = nameOf(customer)
    const before = await keys.read(name, call)
    if (before.kind === 'failed') return before
    if (before.kind === 'no-key') return { kind: 'refused', why: 'destroyed' }
    return keyChange(await change(name, call))
  }

  return {
    seal,
    open,
    reseal,
    rotate: async (customer, call) => {
      const before = await keys.read(nameOf(customer), call)
      if (before.kind === 'key' && before.softDeleted) return { kind: 'refused', why: 'revoked' }
      return changed(customer, keys.rotate, call)
    },
    revoke: (customer, call) => changed(customer, keys.softDelete, call),
    restore: (customer, call) => changed(customer, keys.undelete, call),
    destroy: async (customer, call) => {
      const after = await keys.destroy(nameOf(customer), call)
      return after.kind === 'no-key' ? { kind: 'done', keyVersion: null } : notDestroyed(after)
    },
    // Keys are wrapped by the server's own, which it exchanges by itself.
    rewrapKeys: null,
    pause: client.pause,
    ping: client.ping,
    check: (call) => checkTransit(client, mount, nameOf('crossfade-check'), call),
    close: () => client.close(),
  }
}

/**
 * Makes the first keys of customers that never had one, and remembers, bounded, who has one: that never becomes untrue,
 * since no state of the table leads back to it. Gives, for a customer, what stopped it.
 */
function makeFirstKeys(
  { customers, cache }: TransitKeyringOptions,
  create: (customer: string, call: Call) => Promise<KeyAnswer>,
) {
  const known = new Set<string>()
  const remember = (customer: string): void => {
    known.add(customer)
    const [oldest] = known
    if (known.size > cache && oldest !== undefined) known.delete(oldest)
  }
  const make = async (customer: string, call: Call): Promise<Failure | null> => {
    const key = await create(customer, call)
    if (key.kind === 'failed') return key.failure
    if (key.kind !== 'key') return no('rejected')
    // Somebody's own key under this name that does not bind the context: values in it could be moved.
    return key.derived ? null : no('rejected')
  }

  return async (wanted: ReadonlySet<string>, call: Call): Promise<(customer: string) => Failure | null> => {
    const unknown = [...wanted].filter((customer) => !known.has(customer))
    if (unknown.length === 0) return () => null
    const claimed = await customers.claim(unknown, call)
    if (claimed.kind === 'failed') return (customer) => (unknown.includes(customer) ? claimed.failure : null)
    const failures = new Map<string, Failure>()
    await Promise.all(
      [...claimed.make].map(async (customer) => {
        const failure = await make(customer, call)
        if (failure) failures.set(customer, failure)
      }),
    )
    const made = [...claimed.make].filter((customer) => !failures.has(customer))
    const unsaved = made.length === 0 ? null : await customers.made(made, call)
    if (unsaved) for (const customer of made) failures.set(customer, unsaved.failure)
    for (const customer of unknown) if (!failures.has(customer)) remember(customer)
    return (customer) => failures.get(customer) ?? null
  }
}

const CURRENT: ResealOutcome = { kind: 'current' }

const failed = (failure: Failure): KeyringFailure => ({ kind: 'failed', failure })

/** Nothing of the secret itself was stored yet, so its write has certainly not happened. */
const certainly = (failure: Failure): Failure => (failure.certain ? failure : no('unavailable', true))

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

const itemOf = ({ keyVersion, ciphertext, context }: OpenRequest): TransitItem => ({
  ciphertext: `vault:v${keyVersion}:${base64(ciphertext)}`,
  context: base64(context),
})

const isDenied = (outcome: ItemOutcome): boolean => outcome.kind === 'failed' && outcome.failure.reason === 'denied'

/** The prefix is kept as the row's key version; the server's ciphertext begins with its own nonce. */
function sealedOf(text: string | null): Sealed | null {
  const [, version = '', body = ''] = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/]+=*)$/.exec(text ?? '') ?? []
  if (body === '') return null
  return { keyVersion: Number(version), nonce: Buffer.alloc(0), ciphertext: Buffer.from(body, 'base64') }
}

function sealOutcome(outcome: ItemOutcome): SealOutcome {
  if (outcome.kind === 'failed') return failed(certainly(outcome.failure))
  if (outcome.kind === 'no-key' || outcome.kind === 'revoked') return REVOKED
  const sealed = outcome.kind === 'done' ? sealedOf(outcome.ciphertext) : null
  return sealed ? { kind: 'sealed', sealed } : failed(no('unavailable', true))
}

function openOutcome(outcome: ItemOutcome): OpenOutcome {
  if (outcome.kind === 'failed' || outcome.kind === 'undecryptable') return outcome
  if (outcome.kind === 'no-key' || outcome.kind === 'revoked') return REVOKED
  if (outcome.plaintext === null) return failed({ certain: false, reason: 'protocol', passing: true })
  return { kind: 'opened', plaintext: Buffer.from(outcome.plaintext, 'base64') }
}

function resealOutcome(outcome: ItemOutcome): ResealOutcome {
  return outcome.kind === 'undecryptable' ? outcome : sealOutcome(outcome)
}

function keyChange(answer: KeyAnswer): KeyChange {
  if (answer.kind === 'failed') return answer
  if (answer.kind === 'key') return { kind: 'done', keyVersion: answer.latest }
  return { kind: 'refused', why: answer.kind === 'unsupported' ? 'unsupported' : 'destroyed' }
}

const notDestroyed = (answer: Exclude<KeyAnswer, { kind: 'no-key' }>): KeyChange =>
  answer.kind === 'failed' ? answer : { kind: 'refused', why: 'unsupported' }
