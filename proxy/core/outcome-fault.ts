import type { PutOutcome } from '../../backends/store.ts'
import { proxyFault } from '../faults.ts'

/** Refusals and unknown outcomes of a store, the same for enrolled and not enrolled integrations. */
export function outcomeFault(store: string, outcome: Extract<PutOutcome, { kind: 'refused' | 'unknown' }>) {
  const detail = `store ${store}: ${('detail' in outcome && outcome.detail) || outcome.reason}`
  if (outcome.kind === 'unknown') return proxyFault('outcome-unknown', detail)
  switch (outcome.reason) {
    case 'unrepresentable':
      return proxyFault('unrepresentable', detail)
    case 'too-large':
      return proxyFault('value-too-large', detail)
    case 'revoked':
      return proxyFault('customer-revoked', `store ${store}`)
    case 'denied':
    case 'rejected':
      return proxyFault('store-refused', detail)
    case 'unfit':
    case 'throttled':
    case 'unavailable':
    case 'late':
      return proxyFault('store-unavailable', detail, { retryAfter: 1 })
  }
}
