import { type Failure, no, unsure } from '../failure.ts'
import type { Call } from '../store.ts'
import type { VaultClient } from '../vault/client.ts'
import type { VaultMethod, VaultOutcome } from '../vault/request.ts'
import type { KeyringFailure } from './keyring.ts'

/** What the server says of a key. */
export interface TransitKey {
  readonly kind: 'key'
  readonly latest: number
  readonly softDeleted: boolean
  /** Each context has a key of its own, made from this one: a context that is not the same does not open. */
  readonly derived: boolean
}
export type KeyAnswer = TransitKey | { readonly kind: 'no-key' } | { readonly kind: 'unsupported' } | KeyringFailure

/** The keys of one mount, one call each. None makes a key but `create`. */
export interface TransitKeys {
  read(name: string, call: Call): Promise<KeyAnswer>
  /** Leaves one that is there as it is. */
  create(name: string, call: Call): Promise<KeyAnswer>
  rotate(name: string, call: Call): Promise<KeyAnswer>
  /** `unsupported`: Vault has no such thing, OpenBao has. */
  softDelete(name: string, call: Call): Promise<KeyAnswer>
  undelete(name: string, call: Call): Promise<KeyAnswer>
  destroy(name: string, call: Call): Promise<KeyAnswer>
}

export function makeTransitKeys(client: VaultClient, mount: readonly string[]): TransitKeys {
  const send = (method: VaultMethod, name: string, step: readonly string[], call: Call, body?: object) =>
    client.request(
      { method, path: [...mount, 'keys', name, ...step], ...(body !== undefined && { body: JSON.stringify(body) }) },
      call,
    )
  const read: TransitKeys['read'] = async (name, call) => {
    const outcome = await send('GET', name, [], call)
    return outcome.kind === 'answer' && outcome.status === 404 ? missing(outcome.body) : keyOf(outcome)
  }
  /** A change, and the key afterwards: older servers answer 204. */
  const change = async (sent: Promise<VaultOutcome>, name: string, call: Call): Promise<KeyAnswer> => {
    const outcome = await sent
    if (outcome.kind === 'failed') return outcome
    if (outcome.status === 404 || outcome.status === 405) return { kind: 'unsupported' }
    if (outcome.status >= 300) return failed(no('rejected'))
    return outcome.status === 204 ? read(name, call) : keyOf(outcome)
  }
  return {
    read,
    create: (name, call) => change(send('POST', name, [], call, { type: 'aes256-gcm96', derived: true }), name, call),
    rotate: (name, call) => change(send('POST', name, ['rotate'], call, {}), name, call),
    softDelete: (name, call) => change(send('DELETE', name, ['soft-delete'], call), name, call),
    undelete: (name, call) => change(send('POST', name, ['soft-delete-restore'], call, {}), name, call),
    destroy: async (name, call) => {
      const before = await read(name, call)
      if (before.kind !== 'key') return before
      const allowed = await change(send('POST', name, ['config'], call, { deletion_allowed: true }), name, call)
      if (allowed.kind !== 'key') return allowed
      const outcome = await send('DELETE', name, [], call)
      if (outcome.kind === 'failed') return outcome
      return outcome.status < 300 ? { kind: 'no-key' } : read(name, call)
    },
  }
}

const failed = (failure: Failure): KeyringFailure => ({ kind: 'failed', failure })

/** A mount that is not there is 404, too, with a text. */
const missing = (body: Buffer): KeyAnswer =>
  /no handler|unsupported path/.test(body.toString('latin1', 0, 500)) ? failed(no('rejected')) : { kind: 'no-key' }

function keyOf(outcome: VaultOutcome): KeyAnswer {
  if (outcome.kind === 'failed') return outcome
  if (outcome.status !== 200) return failed(no('rejected'))
  try {
    const { data } = JSON.parse(outcome.body.toString('utf8')) as { data: Record<string, unknown> }
    const latest = data['latest_version']
    if (typeof latest !== 'number') return failed(unsure('protocol'))
    return { kind: 'key', latest, softDeleted: data['soft_deleted'] === true, derived: data['derived'] === true }
  } catch {
    return failed(unsure('protocol'))
  }
}
