import { answeredEach, itself } from '../../backends/answers.ts'
import { type Address, addressKey } from '../../backends/secret.ts'
import type { GetOutcome, PutOutcome, Store } from '../../backends/store.ts'

/** What the store does instead of its next calls. `unknown-applied` happens, and nobody is told. */
export type Trouble = 'refused' | 'unknown-applied' | 'unknown-lost' | 'denied'

export interface FaultyStore extends Store {
  /** Every write from now on; null: none. */
  troubleWrites(trouble: Trouble | null): void
  /** Every read from now on fails with an error that may pass. */
  troubleReads(trouble: boolean): void
  /** Called before each read reaches the store; for forcing an order of events. */
  beforeRead(hook: ((address: Address) => Promise<void>) | null): void
  beforeWrite(hook: ((address: Address) => Promise<void>) | null): void
}

/** A real store behind a line that can be cut. */
export function makeFaultyStore(store: Store): FaultyStore {
  let writes: Trouble | null = null
  let reads = false
  let onRead: ((address: Address) => Promise<void>) | null = null
  let onWrite: ((address: Address) => Promise<void>) | null = null

  const write = async (address: Address, send: () => Promise<PutOutcome>): Promise<PutOutcome> => {
    await onWrite?.(address)
    switch (writes) {
      case null:
        return send()
      case 'refused':
        return { kind: 'refused', reason: 'unavailable' }
      case 'denied':
        return { kind: 'refused', reason: 'denied' }
      case 'unknown-applied':
        await send()
        return { kind: 'unknown', reason: 'timeout' }
      case 'unknown-lost':
        return { kind: 'unknown', reason: 'connection-lost' }
    }
  }
  const read = async (address: Address, send: () => Promise<GetOutcome>): Promise<GetOutcome> => {
    await onRead?.(address)
    return reads ? { kind: 'error', reason: 'unavailable', passing: true } : send()
  }
  const get: Store['get'] = (address, call) => read(address, () => store.get(address, call))
  const put: Store['put'] = (address, secret, condition, call) =>
    write(address, () => store.put(address, secret, condition, call))

  return {
    ...store,
    get,
    getMany: (addresses, call) => answeredEach(addresses, addressKey, (address) => get(address, call)),
    put,
    putMany: (puts, call) => answeredEach(puts, itself, (p) => put(p.address, p.secret, p.condition, call)),
    remove: (address, condition, call) => write(address, () => store.remove(address, condition, call)),
    troubleWrites: (trouble) => {
      writes = trouble
    },
    troubleReads: (trouble) => {
      reads = trouble
    },
    beforeRead: (hook) => {
      onRead = hook
    },
    beforeWrite: (hook) => {
      onWrite = hook
    },
  }
}
