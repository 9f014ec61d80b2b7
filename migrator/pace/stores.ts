import type { StoreCallSeen } from '../../backends/guarded.ts'
import { type Latencies, makeLatencies } from './latencies.ts'
import { makeSignal, type Signal } from './signal.ts'

/*
 * What calls to a store say of it, those of clients and those of copying. TCP Vegas compares a round trip with the shortest
 * that it has seen, since what is longer was spent in queues; so here, with the fast tenth of the calls of the same kind and
 * size, because one lucky call is no measure.
 */
export interface StoreSignals {
  readonly latency: Signal
  readonly errors: Signal
}

export interface Stores {
  observe(call: StoreCallSeen): void
  of(store: string): StoreSignals
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

export function makeStores({ now, factor, errors }: StoresOptions): Stores {
  const stores = new Map<string, StoreSignals>()
  const kinds = new Map<string, Latencies>()

  const of = (store: string): StoreSignals => {
    const found = stores.get(store) ?? { latency: makeSignal(now, SLOW_SHARE), errors: makeSignal(now, errors) }
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
    observe: (call) => {
      const { latency, errors: failures } = of(call.store)
      failures.add(call.failed)
      if (call.failed) return
      const kind = kindOf(call)
      const fast = kind.quantile(FAST)
      kind.add(call.ms)
      if (fast !== null) latency.add(call.ms > fast * factor)
    },
  }
}
