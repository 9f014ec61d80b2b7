import { followSecretFile } from '../../backends/key-file.ts'
import type { Clock } from '../../core/clock.ts'
import type { BusSection } from '../../ledger/config.ts'
import type { LedgerMetrics } from '../../ledger/metrics.ts'
import { type BusEvent, makeRedisBus, type RedisBus } from '../../ledger/redis/bus.ts'

/** The bus of the configuration, counted; it is opened when the ledger has said its name. */
export function makeBus(
  section: BusSection,
  parts: { readonly id: string; readonly clock: Clock; readonly metrics: LedgerMetrics },
): RedisBus {
  return makeRedisBus({
    id: parts.id,
    url: section.url,
    password: section.password_file === undefined ? null : followSecretFile(section.password_file),
    heartbeat: section.heartbeat,
    clock: parts.clock,
    random: Math.random,
    onEvent: (event) => count(parts.metrics, event),
  })
}

function count(metrics: LedgerMetrics, event: BusEvent): void {
  switch (event.kind) {
    case 'sent':
    case 'received':
      metrics.busMessages.inc({ outcome: event.kind })
      return
    case 'dropped':
      metrics.busMessages.inc({ outcome: event.why })
      return
    case 'hearing':
      metrics.busHears.set(event.hears ? 1 : 0)
      if (!event.hears) metrics.busDeaf.inc()
      return
    case 'error':
      // Each ends in a dropped message or in deafness, which are counted.
      return
  }
}
