import type { CoreEvent } from '../../proxy/core/context.ts'
import type { StoreCall } from '../../proxy/core/store-call.ts'
import type { Metrics } from './metrics.ts'

/** What the core tells of each request, as figures. */
export function countEvent(metrics: Metrics, event: CoreEvent): void {
  const { ledger } = metrics
  switch (event.kind) {
    case 'ask':
      ledger.asks.inc({ why: event.why })
      return
    case 'debt':
      ledger.debtsMade.inc({ owing: event.owing, why: event.why })
      return
    case 'served':
      ledger.served.inc({ integration: event.integration, by: event.by })
      if (event.fallback !== null) ledger.fallbacks.inc({ by: event.by, why: event.fallback })
      return
    case 'call':
      countCall(metrics, event)
  }
}

/** A call to a store, by a client or by a comparison. */
export function countCall({ proxy }: Metrics, { integration, side, failed, ms }: Omit<StoreCall, 'customer'>): void {
  proxy.calls.inc({ integration, side, outcome: failed ? 'failed' : 'ok' })
  if (ms !== null) proxy.readSeconds.observe({ integration, side }, ms / 1000)
}
