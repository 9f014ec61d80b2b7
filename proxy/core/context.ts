import type { Pair, Pairs } from '../../backends/pair.ts'
import type { Address, Secret } from '../../backends/secret.ts'
import type { Store } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'
import type { Side } from '../../core/side.ts'
import { type Phase, PLANS, type Plan } from '../../flags/phase.ts'
import type { Coherence } from '../../ledger/coherence.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import type { IntegrationState, Ledger } from '../../ledger/ledger.ts'
import type { Replica } from '../../ledger/replica.ts'
import type { SettleReport } from '../../ledger/settle.ts'
import type { BareWrites } from './bare-writes.ts'
import type { CoreRules } from './rules.ts'
import type { ToldCall } from './store-call.ts'

/** What the shadow room is told after the reply. */
export interface ShadowObservation {
  readonly address: Address
  readonly phase: Phase
  readonly side: Side
  /** What the client was answered; null: not found. */
  readonly secret: Secret | null
}

/** Everything a read or a write needs; composed in bin, and by the simulation. */
export interface CoreDeps {
  readonly pairs: Pairs
  readonly phaseOf: (integration: string, customer: string) => Phase
  readonly ledger: Ledger
  readonly replica: Pick<Replica, 'trusted' | 'state' | 'inventoried' | 'memory'>
  readonly coherence: Coherence
  readonly fingerprint: (address: Address, secret: Secret) => string
  readonly etag: (address: Address, secret: Secret) => string
  /** Settles one secret now, so that its row learns what its fresh side holds. */
  readonly settleOne: (address: Address) => Promise<readonly SettleReport[]>
  readonly shadow: (observation: ShadowObservation) => void
  readonly rules: CoreRules
  readonly clock: Clock
  readonly newId: () => string
  readonly bareWrites: BareWrites
  /** ms that an operation may stay open. */
  readonly lease: number
  /** ms that one request to a store may take. */
  readonly readDeadline: number
  readonly whenLedgerDown: 'proven' | 'unproven'
  readonly onEvent: (event: CoreEvent) => void
}

/** For metrics; one closed set. */
export type CoreEvent =
  | {
      readonly kind: 'ask'
      readonly integration: string
      readonly why: 'untrusted' | 'no-mark' | 'not-found' | 'fallback'
    }
  | {
      readonly kind: 'debt'
      readonly integration: string
      readonly owing: Side
      readonly why: 'phase' | 'refused' | 'unknown' | 'joined'
    }
  | {
      readonly kind: 'served'
      readonly integration: string
      readonly by: Side
      readonly fallback: 'debt' | 'error' | null
    }
  | ({ readonly kind: 'call' } & ToldCall)

/** The phase that an integration's state leaves of the flag's: the barriers pin it, whatever a flag or a cap says. */
export const admitted = (state: IntegrationState, phase: Phase): Phase => {
  switch (state) {
    case 'enrolled':
      return phase
    case 'bare':
    case 'enrolling':
    case 'abandoning':
    case 'legacy-only':
      return 'off'
    case 'finalizing':
    case 'new-only':
    case 'finalized':
      return 'complete'
  }
}

/** States in which writes go to the pinned side without the ledger. */
export const isBare = (state: IntegrationState): boolean => state === 'bare' || state === 'finalized'

/**
 * States in which one side answers, whatever anybody remembers. In `new-only` and `legacy-only` writes wait: a replica
 * that has not heard yet may still read by a debt in its memory, and would not see a write without the ledger.
 */
export const isPinned = (state: IntegrationState): boolean =>
  isBare(state) || state === 'new-only' || state === 'legacy-only'

/** One operation's view of its secret, taken once: the phase is evaluated once a request. */
export interface View {
  readonly state: IntegrationState
  readonly phase: Phase
  readonly plan: Plan
  readonly pair: Pair
  readonly store: (side: Side) => Store
}

export function viewOf(deps: CoreDeps, integration: string, customer: string): View {
  const pair = deps.pairs(integration)
  const state = deps.replica.state(integration)
  if (state === null)
    throw ledgerFault('ledger-unavailable', 'this replica has never reached the ledger', { retryAfter: 1 })
  const phase = admitted(state, deps.phaseOf(integration, customer))
  return { state, phase, plan: PLANS[phase], pair, store: (side) => pair.stores[side] }
}
