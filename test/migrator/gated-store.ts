import type { Store } from '../../backends/store.ts'

type Gated = 'scan' | 'getMany' | 'putMany' | 'remove'

/** Stands between a caller and a store's method: may wait, count, fail or change what comes back. */
export type Gate<M extends Gated> = (real: Store[M], ...args: Parameters<Store[M]>) => ReturnType<Store[M]>

export interface GatedStore extends Store {
  /** Every call of the method goes through the gate from now on; null takes it away. */
  gate<M extends Gated>(method: M, gate: Gate<M> | null): void
}

/** A real store with gates before the methods that the migrator calls; whoever holds the store itself is not held up. */
export function makeGatedStore(store: Store): GatedStore {
  const gates: { [M in Gated]?: Gate<M> | null } = {}
  return {
    ...store,
    scan: (...args) => (gates.scan ?? through)(store.scan, ...args),
    getMany: (...args) => (gates.getMany ?? through)(store.getMany, ...args),
    putMany: (...args) => (gates.putMany ?? through)(store.putMany, ...args),
    remove: (...args) => (gates.remove ?? through)(store.remove, ...args),
    gate: (method, gate) => {
      ;(gates as Record<Gated, unknown>)[method] = gate
    },
  }
}

const through = <A extends unknown[], R>(real: (...args: A) => R, ...args: A): R => real(...args)
