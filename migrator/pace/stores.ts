import type { StoreCallSeen } from '../../backends/guarded.ts'
import { type Latencies, makeLatencies } from './latencies.ts'
import { makeSignal, type Signal } from './signal.ts'

/*
 * What calls to a store say of it, those of clients and those of copying. TCP Vegas compares a round trip with the shortest
 * that it has seen, since what is longer was spent in queues; so here, with the fast tenth of the calls of the same kind and
 * size, because one lucky call is no measure. A store that stays uneven when next to nothing is copied is so by itself (a
 * machine that others use, too): each time that is found out it may be four times as uneven, and half of that is taken back a minute.
 */
export interface StoreSignals {
  readonly latency: Signal
  readonly errors: Signal
  /** Calls that it refused because they are too many. */
  readonly limit: Signal
}

export interface Stores {
  observe(call: StoreCallSeen): void
  /** Whether it wants to be left alone now, by its own word. */
  rests(store: string): boolean
  of(store: string): StoreSignals
  /** Its latency is strained although copying is at its least: more of it is allowed for a while. */
  tolerate(store: string): void
}

export interface StoresOptions {
  readonly now: () => number
  /** How many times as long as the fast tenth a call may take. */
  readonly factor: number
  /** Of the calls that may fail. */
  readonly errors: number
}

/** Of the calls that may take longer. */
const SLOW_SHARE = 0.2
const FAST = 0.1
const LEAST = 20
const MOST = 2000
/** Times the factor. */
const MOST_TOLERANCE = 16
const TAKE_BACK_MS = 60_000

export function makeStores({ now, factor, errors }: StoresOptions): Stores {
  const stores = new Map<string, StoreSignals>()
  const kinds = new Map<string, Latencies>()
  const resting = new Map<string, number>()
  const raised = new Map<string, { readonly to: number; readonly at: number }>()

  const tolerance = (store: string): number => {
    const { to, at } = raised.get(store) ?? { to: 1, at: 0 }
    return Math.max(1, to / 2 ** Math.floor((now() - at) / TAKE_BACK_MS))
  }
  const of = (store: string): StoreSignals => {
    const found = stores.get(store) ?? {
      latency: makeSignal(now, SLOW_SHARE),
      errors: makeSignal(now, errors),
      limit: makeSignal(now, errors),
    }
    stores.set(store, found)
    return found
  }
  /** Calls of about the same size are compared with each other. */
  const kindOf = ({ store, op, secrets }: StoreCallSeen): Latencies => {
    const key = `${store} ${op} ${Math.ceil(Math.log2(Math.max(1, secrets)))}`
    const found = kinds.get(key) ?? makeLatencies({ least: LEAST, most: MOST })
    kinds.set(key, found)
    return found
  }
  return {
    of,
    tolerate: (store) => {
      raised.set(store, { to: Math.min(MOST_TOLERANCE, tolerance(store) * 4), at: now() })
    },
    rests: (store) => now() < (resting.get(store) ?? 0),
    observe: (call) => {
      if (call.pause > 0) resting.set(call.store, now() + call.pause)
      const { latency, errors: failures, limit } = of(call.store)
      failures.add(call.failed)
      limit.add(call.throttled)
      if (call.failed || call.throttled) return
      const kind = kindOf(call)
      const fast = kind.quantile(FAST)
      kind.add(call.ms)
      if (fast !== null) latency.add(call.ms > fast * factor * tolerance(call.store))
    },
  }
}
