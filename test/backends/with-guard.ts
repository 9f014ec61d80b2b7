import { Registry } from 'prom-client'
import { guardStore, type Limits } from '../../backends/guarded.ts'
import { makeMemoryStore } from '../../backends/memory/memory.ts'
import { makeBackendsMetrics } from '../../backends/metrics.ts'
import type { Call, GetOutcome, PutOutcome, Store } from '../../backends/store.ts'
import type { Clock } from '../../core/clock.ts'
import { address } from './checks/check.ts'

/** A clock that moves when told to, and wakes those whose time has come. */
function drivenClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 1_000
  let sleepers: { readonly until: number; readonly wake: () => void }[] = []
  return {
    monotonic: () => now,
    wall: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ until: now + ms, wake })),
    advance: async (ms) => {
      now += ms
      const due = sleepers.filter(({ until }) => until <= now)
      sleepers = sleepers.filter(({ until }) => until > now)
      for (const { wake } of due) wake()
      await turn()
    },
  }
}

/** Lets what is ready run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const LIMITS: Limits = {
  deadline: 500,
  breaker: { failures: 3, reset: 5_000 },
  concurrency: { max: 2, queue: 1 },
}
export const LOST: GetOutcome = { kind: 'error', reason: 'connection-lost', passing: true }
export const CALL: Call = { deadline: Number.POSITIVE_INFINITY }
export const WHERE = address('aws')

/** A store that hangs until its signal is raised, as an adapter does: what was sent is then unknown. */
export const hangs = (store: Store): Store => ({
  ...store,
  get: (_address, call) => onAbort(call, { kind: 'error', reason: 'timeout', passing: true }),
  put: (_address, _secret, _condition, call) => onAbort<PutOutcome>(call, { kind: 'unknown', reason: 'timeout' }),
})
const onAbort = <T>({ signal }: Call, outcome: T): Promise<T> =>
  new Promise((resolve) => signal?.addEventListener('abort', () => resolve(outcome)))

export function setup(change: (store: Store) => Store, limits: Limits = LIMITS) {
  const clock = drivenClock()
  const registry = new Registry()
  const inner = change(makeMemoryStore({ name: 'legacy', versions: 'fenced', maxSize: 1000, clock }))
  const store = guardStore(inner, limits, { clock, metrics: makeBackendsMetrics(registry) })
  const metric = async (name: string): Promise<Record<string, number>> => {
    const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] }
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]))
  }
  return { clock, store, metric }
}

/** Counts calls and answers each with the next of these outcomes. */
export function scripted(outcomes: readonly GetOutcome[]) {
  const seen = { calls: 0 }
  const change = (store: Store): Store => ({
    ...store,
    get: async () => outcomes[Math.min(seen.calls++, outcomes.length - 1)] as GetOutcome,
  })
  return { seen, change }
}
