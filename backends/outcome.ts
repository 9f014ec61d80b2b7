import type { GetOutcome, PingOutcome, PutOutcome, RefusalReason, ScanOutcome, UnknownReason } from './store.ts'

export type Outcome = GetOutcome | PutOutcome | ScanOutcome | PingOutcome

/** Whether a reason speaks of the health of the store, rather than of the request. */
const UNHEALTHY = {
  unavailable: true,
  timeout: true,
  'connection-lost': true,
  protocol: true,
  unrepresentable: false,
  // It is well, and asks to be asked less.
  throttled: false,
  'too-large': false,
  denied: false,
  revoked: false,
  rejected: false,
  unfit: false,
  // Refused by a store that answered.
  late: false,
} as const satisfies Record<RefusalReason | UnknownReason, boolean>

/** A failure of the store: what a breaker counts. */
export const isStoreFailure = (outcome: Outcome): boolean =>
  (outcome.kind === 'error' || outcome.kind === 'refused' || outcome.kind === 'unknown') && UNHEALTHY[outcome.reason]

/** The store asks to be asked less often. */
export const isThrottled = (outcome: Outcome): boolean => 'reason' in outcome && outcome.reason === 'throttled'

/** For a metric's label: the kind, and the reason where there is one. Bounded, and never a value or a name. */
export const outcomeLabel = (outcome: Outcome): string =>
  'reason' in outcome ? `${outcome.kind}_${outcome.reason}` : outcome.kind
