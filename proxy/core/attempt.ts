import type { Address, Secret } from '../../backends/secret.ts'
import { ANY, type Call, type Condition, type Fence, type PutOutcome, type Store } from '../../backends/store.ts'

/** What a write puts: null removes. */
export type Content = Secret | null

/** A fence that was read beside `begin`, or undefined where the store has none (or it could not be read). */
export type FenceRead = Promise<Fence | undefined>

/**
 * The fence of one secret, for stores that can compare on a version that survives deletes. It may be read before or
 * beside `begin`, but always before the lease is checked and the put is sent.
 */
export async function readFence(store: Store, address: Address, call: Call): Promise<Fence | undefined> {
  if (!store.capabilities.fence.has) return undefined
  const outcome = await store.get(address, call)
  return outcome.kind === 'found' || outcome.kind === 'absent' ? (outcome.fence ?? undefined) : undefined
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
  let fence = await attempt.fence
  for (let tries = 0; tries < CONFLICTS; tries += 1) {
    if (store.capabilities.fence.has && fence === undefined) {
      fence = await readFence(store, address, call)
      if (fence === undefined) return { kind: 'refused', reason: 'unavailable' }
    }
    if (!attempt.inTime()) return { kind: 'refused', reason: 'late' }
    const outcome = await send(store, address, content, fence === undefined ? ANY : { kind: 'at', fence }, call)
    if (outcome.kind !== 'conflict') return outcome
    fence = undefined
  }
  return { kind: 'conflict' }
}

/** The put to the copy: a conflict means that somebody else wrote there, so this side owes. */
export async function putSecond(attempt: Attempt): Promise<PutOutcome> {
  const { store, address, content, call } = attempt
  const fence = await attempt.fence
  if (store.capabilities.fence.has && fence === undefined) return { kind: 'refused', reason: 'unavailable' }
  if (!attempt.inTime()) return { kind: 'refused', reason: 'late' }
  return send(store, address, content, fence === undefined ? ANY : { kind: 'at', fence }, call)
}
