import type { Side } from '../../core/side.ts'
import type { RowView } from '../../ledger/ledger.ts'
import { provenFresh, route, saysThere, sideOf } from './route.ts'
import type { Begun } from './write.ts'

/**
 * The decisions of the protocol, each a function of data, gathered so that the simulation can replace one at a time and
 * show that its absence is found. Nothing else ever replaces them.
 */
export interface CoreRules {
  readonly route: typeof route
  readonly sideOf: typeof sideOf
  readonly provenFresh: typeof provenFresh
  /** "Not found" needs no word of the ledger: legacy is where an unknown secret would be, and a pinned side is all there is. */
  readonly notFoundIsFinal: (side: Side, pinned: boolean) => boolean
  /** The ledger says that the secret is deleted on both sides: no second look. */
  readonly confirmedDeleted: (row: RowView | null) => boolean
  /** The ledger says that new holds the secret: a store that does not have it has lost it. */
  readonly saysThere: (row: RowView | null) => boolean
  /** Both puts succeeded and nobody was open at begin: answered at once, its finish is lazy. */
  readonly isLoneClean: (clean: boolean, begun: Begun) => boolean
  /** `fresh` has to move from one side to the other: that finish must be durable before the answer. */
  readonly movesFresh: (begun: Begun) => boolean
  /**
   * The replicas may read the wrong side until they are told. Not if they know already, and not where nothing was ever
   * put to new.
   */
  readonly mustTell: (begun: Begun) => boolean
}

export const CORE_RULES: CoreRules = {
  route,
  sideOf,
  provenFresh,
  notFoundIsFinal: (side, pinned) => pinned || side === 'legacy',
  confirmedDeleted: (row) => row !== null && row.fresh === 'both' && row.deleted,
  saysThere,
  isLoneClean: (clean, begun) => clean && begun.alone,
  movesFresh: (begun) => begun.fresh !== begun.first,
  mustTell: (begun) => !begun.known && !(begun.blank && begun.first === 'legacy' && begun.second === null),
}
