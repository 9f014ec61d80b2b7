import assert from 'node:assert/strict'
import { ANY } from '../../../backends/store.ts'
import { address, at, type Check, call, fenceOf, lateCall, plain, plainSecret, secret } from './check.ts'

const LATE = { kind: 'refused', reason: 'late' }

export const DEADLINE_CHECKS: readonly Check[] = [
  {
    name: 'a write whose deadline has passed is refused as late and changes nothing, where the store is bound',
    run: async (store, integration) => {
      if (!store.capabilities.bound.has) return assert.ok(store.capabilities.bound.why.length > 10)
      const where = address(integration)
      const first = await store.put(where, secret('first'), ANY, call())
      const conditions = store.capabilities.compareAndSet.has ? [ANY, at(fenceOf(first))] : [ANY]
      for (const condition of conditions) {
        assert.deepEqual(await store.put(where, secret('late'), condition, lateCall()), LATE)
        assert.deepEqual(await store.remove(where, condition, lateCall()), LATE)
      }
      assert.deepEqual(await store.put(address(integration, 'new'), secret('late'), ANY, lateCall()), LATE)
      assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('first')))
      assert.equal((await store.get(address(integration, 'new'), call())).kind, 'absent')
    },
  },
  {
    name: 'a write with a little time left lands',
    run: async (store, integration) => {
      await store.put(address(integration), secret('first'), ANY, call())
      assert.equal((await store.put(address(integration), secret('second'), ANY, call(1_000))).kind, 'done')
    },
  },
  {
    name: 'a call that was aborted before it began says so at once, and a write was not applied',
    run: async (store, integration) => {
      if (store.kind === 'memory') return
      const where = address(integration)
      const aborted = { ...call(), signal: AbortSignal.abort() }
      const put = await store.put(where, secret('x'), ANY, aborted)
      assert.deepEqual(put, { kind: 'refused', reason: 'unavailable' })
      assert.equal((await store.get(where, aborted)).kind, 'error')
      assert.equal((await store.get(where, call())).kind, 'absent')
    },
  },
]
