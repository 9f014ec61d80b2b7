import type { Side } from '../core/side.ts'
import type { Shape } from './digest.ts'
import type { Address, Secret } from './secret.ts'
import type { RefusalReason, Store } from './store.ts'

/** The two stores of an integration and what its values are. */
export interface Pair {
  readonly stores: Readonly<Record<Side, Store>>
  readonly shape: Shape
  /** Why both sides cannot hold this secret unchanged, or null if they can. */
  readonly unrepresentable: (
    address: Address,
    secret: Secret,
  ) => { readonly reason: RefusalReason; readonly detail: string } | null
}

/** Finds the pair of a configured integration; throws for another one. */
export type Pairs = (integration: string) => Pair
