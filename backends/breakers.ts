import { unlessAborted } from './abort.ts'
import type { Alarm } from './alarm.ts'
import { type Breaker, type BreakerState, makeBreaker } from './breaker.ts'
import type { GuardDeps, Limits } from './guarded.ts'
import { isStoreFailure } from './outcome.ts'
import type { PingOutcome, Store } from './store.ts'

const LOST: PingOutcome = { kind: 'error', reason: 'timeout' }
const BREAKER_GAUGE: Readonly<Record<BreakerState, number>> = { closed: 0, trying: 0.5, open: 1 }

/** Two breakers: a store that answers reads and hangs on writes would keep a single one closed by its reads. */
export function makeBreakers(
  store: Store,
  { breaker, deadline }: Pick<Limits, 'breaker' | 'deadline'>,
  { clock, metrics }: Pick<GuardDeps, 'clock' | 'metrics'>,
  alarm: Alarm,
) {
  const ping = async () => {
    const call = { deadline: clock.monotonic() + deadline }
    const { signal, disarm } = alarm.arm(call.deadline, undefined)
    const outcome = await unlessAborted(store.ping({ ...call, signal }), signal, LOST).finally(disarm)
    return { failed: isStoreFailure(outcome) }
  }
  const gauge = { reads: 0, writes: 0 }
  const of = (calls: keyof typeof gauge): Breaker =>
    makeBreaker({
      ...breaker,
      ping,
      // Reads have another side to fall back to, or a caller that is told; a burst of them after an outage is not refused.
      wary: calls === 'writes',
      clock,
      onState: (state) => {
        gauge[calls] = BREAKER_GAUGE[state]
        metrics.breaker.set({ store: store.name }, Math.max(gauge.reads, gauge.writes))
      },
    })
  return { reads: of('reads'), writes: of('writes') }
}
