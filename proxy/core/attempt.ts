import type { Address, Secret } from '../../backends/secret.ts'
import { ANY, type Call, type Condition, type PutOutcome, type Store } from '../../backends/store.ts'

/** What a write puts: null removes. */
export type Content = Secret | null

/** What a put is compared with, or why nobody can say: then no put may be sent, and this is its answer. */
export type FenceSight = Condition | typeof UNREAD | typeof REVOKED

/** Read beside `begin`. */
export type FenceRead = Promise<FenceSight>

const UNREAD = { kind: 'refused', reason: 'unavailable' } as const
/** No failure of the store, and nothing that another try would change. */
const REVOKED = { kind: 'refused', reason: 'revoked' } as const

/**
 * The fence of one secret, for stores that can compare on a version that survives deletes. It may be read before or
 * beside `begin`, but always before the lease is checked and the put is sent.
 */
export async function readFence(store: Store, address: Address, call: Call): FenceRead {
  if (!store.capabilities.fence.has) return ANY
  const outcome = await store.get(address, call)
  if (outcome.kind === 'found' || outcome.kind === 'absent')
    return outcome.fence === null ? UNREAD : { kind: 'at', fence: outcome.fence }
  return outcome.kind === 'error' && outcome.reason === 'revoked' ? REVOKED : UNREAD
}

export const send = (
  store: Store,
  address: Address,
  content: Content,
  condition: Condition,
  call: Call,
): Promise<PutOutcome> =>
  content === null ? store.remove(address, condition, call) : store.put(address, content, condition, call)

/** How often a conflict on the register is tried again; each conflict means that somebody else's write got through. */
const CONFLICTS = 5

export interface Attempt {
  readonly store: Store
  readonly address: Address
  readonly content: Content
  readonly fence: FenceRead
  readonly call: Call
  /** The lease still holds, with room for one more request. */
  readonly inTime: () => boolean
}

/** The put to the register: a conflict is read, checked and sent again; the last one is returned, and passes by itself. */
export async function putFirst(attempt: Attempt): Promise<PutOutcome> {
  const { store, address, content, call } = attempt
  let seen: FenceSight | null = await attempt.fence
  for (let tries = 0; tries < CONFLICTS; tries += 1) {
    if (seen === null || seen.kind === 'refused') seen = await readFence(store, address, call)
    if (seen.kind === 'refused') return seen
    if (!attempt.inTime()) return { kind: 'refused', reason: 'late' }
    const outcome = await send(store, address, content, seen, call)
    if (outcome.kind !== 'conflict') return outcome
    seen = null
  }
  return { kind: 'conflict' }
}

/** The put to the copy: a conflict means that somebody else wrote there, so this side owes. */
export async function putSecond(attempt: Attempt): Promise<PutOutcome> {
  const { store, address, content, call } = attempt
  const seen = await attempt.fence
  if (seen.kind === 'refused') return seen
  if (!attempt.inTime()) return { kind: 'refused', reason: 'late' }
  return send(store, address, content, seen, call)
}
