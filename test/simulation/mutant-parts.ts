import { answersTo, itself, mapAnswers } from '../../backends/answers.ts'
import type { PutRequest, Store } from '../../backends/store.ts'
import type { Memory } from '../../ledger/memory.ts'

/** Every write's outcome, or its condition and call, changed on the way to or from a store. */
const aroundWrites =
  (change: (store: Store) => Pick<Store, 'put' | 'remove' | 'putMany'>) =>
  (store: Store): Store => ({ ...store, ...change(store) })

export const withOutcome = (told: (outcome: Awaited<ReturnType<Store['put']>>) => Awaited<ReturnType<Store['put']>>) =>
  aroundWrites((store) => ({
    put: async (...args) => told(await store.put(...args)),
    remove: async (...args) => told(await store.remove(...args)),
    putMany: async (puts, call) => mapAnswers(puts, itself, await store.putMany(puts, call), told),
  }))

export const unconditional = aroundWrites((store) => ({
  put: (address, secret, _condition, call) => store.put(address, secret, { kind: 'any' }, call),
  remove: (address, _condition, call) => store.remove(address, { kind: 'any' }, call),
  putMany: async (puts, call) => {
    const sent = new Map(puts.map((p): [PutRequest, PutRequest] => [p, { ...p, condition: { kind: 'any' } }]))
    const outcomes = await store.putMany([...sent.values()], call)
    return answersTo(puts, itself, (p) => outcomes.of(sent.get(p) as PutRequest))
  },
}))

const FOREVER = Number.POSITIVE_INFINITY
export const unbounded = aroundWrites((store) => ({
  put: (address, secret, condition, call) => store.put(address, secret, condition, { ...call, deadline: FOREVER }),
  remove: (address, condition, call) => store.remove(address, condition, { ...call, deadline: FOREVER }),
  putMany: (puts, call) => store.putMany(puts, { ...call, deadline: FOREVER }),
}))

/** Messages in order of arrival: the last one wins, whatever it is about. */
export const withoutSeq = (memory: Memory): Memory => ({
  ...memory,
  debt: (debt) => {
    memory.strike(debt.address, FOREVER)
    memory.debt(debt)
  },
  merge: (debts) => {
    for (const debt of debts) {
      memory.strike(debt.address, FOREVER)
      memory.debt(debt)
    }
  },
  strike: (address) => memory.strike(address, FOREVER),
})
