import assert from 'node:assert/strict'
import { ANY } from '../../../backends/store.ts'
import { address, at, type Check, call, fenceOf, plain, plainSecret, secret } from './check.ts'

const CONFLICT = { kind: 'conflict' }

/** Checks of `at`, for stores that can compare. */
const COMPARE_CHECKS: readonly Check[] = [
  {
    name: 'a put on the fence that a read gave lands, and the same fence is stale afterwards',
    run: async (store, integration) => {
      const where = address(integration)
      await store.put(where, secret('first'), ANY, call())
      const fence = fenceOf(await store.get(where, call()))
      assert.equal((await store.put(where, secret('second'), at(fence), call())).kind, 'done')
      assert.deepEqual(await store.put(where, secret('third'), at(fence), call()), CONFLICT)
      assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('second')))
    },
  },
  {
    name: 'the fence that a put gives is the one that the next read gives',
    run: async (store, integration) => {
      const where = address(integration)
      const given = fenceOf(await store.put(where, secret('first'), ANY, call()))
      assert.equal(fenceOf(await store.get(where, call())), given)
      const next = fenceOf(await store.put(where, secret('second'), at(given), call()))
      assert.notEqual(next, given)
      assert.equal((await store.put(where, secret('third'), at(next), call())).kind, 'done')
    },
  },
  {
    name: 'a put on the fence of an absent secret lands once',
    run: async (store, integration) => {
      const where = address(integration)
      const fence = fenceOf(await store.get(where, call()))
      assert.equal((await store.put(where, secret('first'), at(fence), call())).kind, 'done')
      assert.deepEqual(await store.put(where, secret('second'), at(fence), call()), CONFLICT)
      assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('first')))
    },
  },
  {
    name: 'a fence that the store never gave is a conflict',
    run: async (store, integration) => {
      for (const fence of ['nonsense', '', '-1', '999999999999999999999', "x'; --"]) {
        assert.deepEqual(await store.put(address(integration), secret('x'), at(fence), call()), CONFLICT)
        assert.deepEqual(await store.remove(address(integration), at(fence), call()), CONFLICT)
      }
      assert.equal((await store.get(address(integration), call())).kind, 'absent')
    },
  },
  {
    name: 'of puts on one fence at the same instant exactly one lands',
    run: async (store, integration) => {
      const where = address(integration)
      const fence = fenceOf(await store.put(where, secret('first'), ANY, call()))
      const words = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
      const outcomes = await Promise.all(words.map((word) => store.put(where, secret(word), at(fence), call())))
      const winner = outcomes.findIndex(({ kind }) => kind === 'done')
      assert.equal(outcomes.filter(({ kind }) => kind === 'done').length, 1)
      assert.equal(outcomes.filter(({ kind }) => kind === 'conflict').length, 7)
      assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret(words[winner] as string)))
    },
  },
  {
    name: 'of creations at the same instant exactly one lands',
    run: async (store, integration) => {
      const where = address(integration)
      const fence = fenceOf(await store.get(where, call()))
      const words = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
      const outcomes = await Promise.all(words.map((word) => store.put(where, secret(word), at(fence), call())))
      assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), [...Array(7).fill('conflict'), 'done'])
    },
  },
  {
    name: 'a remove on a stale fence is a conflict and removes nothing; on the right one it removes',
    run: async (store, integration) => {
      const where = address(integration)
      const old = fenceOf(await store.put(where, secret('first'), ANY, call()))
      const fence = fenceOf(await store.put(where, secret('second'), ANY, call()))
      assert.deepEqual(await store.remove(where, at(old), call()), CONFLICT)
      assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('second')))
      assert.equal((await store.remove(where, at(fence), call())).kind, 'done')
      assert.equal((await store.get(where, call())).kind, 'absent')
    },
  },
  {
    name: 'a secret that was removed can be put again, on the fence that says so',
    run: async (store, integration) => {
      const where = address(integration)
      await store.put(where, secret('first'), ANY, call())
      const removed = fenceOf(await store.remove(where, ANY, call()))
      const absent = await store.get(where, call())
      assert.equal(fenceOf(absent), removed)
      assert.equal((await store.put(where, secret('again'), at(removed), call())).kind, 'done')
      assert.deepEqual(plain(await store.get(where, call())), plainSecret(secret('again')))
    },
  },
]

/** Checks that make a version a fence: it survives deletes. */
const FENCE_CHECKS: readonly Check[] = [
  {
    name: 'a put that arrives after a delete, on the fence from before, is a conflict',
    run: async (store, integration) => {
      const where = address(integration)
      const before = fenceOf(await store.put(where, secret('first'), ANY, call()))
      assert.equal((await store.remove(where, ANY, call())).kind, 'done')
      assert.deepEqual(await store.put(where, secret('zombie'), at(before), call()), CONFLICT)
      const outcome = await store.get(where, call())
      assert.deepEqual(outcome.kind === 'absent' && outcome.deleted, true)
    },
  },
  {
    name: 'a creation that arrives after a delete is a conflict, even if there was nothing to delete',
    run: async (store, integration) => {
      const where = address(integration)
      const never = fenceOf(await store.get(where, call()))
      assert.equal((await store.remove(where, ANY, call())).kind, 'done')
      assert.deepEqual(await store.put(where, secret('zombie'), at(never), call()), CONFLICT)
      assert.equal((await store.get(where, call())).kind, 'absent')
    },
  },
  {
    name: 'a fence never comes back, through puts, deletes and creations',
    run: async (store, integration) => {
      const where = address(integration)
      const fences = [fenceOf(await store.get(where, call()))]
      for (const word of ['a', null, 'b', null, null, 'c']) {
        const outcome =
          word === null ? await store.remove(where, ANY, call()) : await store.put(where, secret(word), ANY, call())
        fences.push(fenceOf(outcome))
      }
      assert.equal(new Set(fences).size, fences.length)
    },
  },
]

const only = (needs: 'compareAndSet' | 'fence', checks: readonly Check[]): readonly Check[] =>
  checks.map((check) => ({
    name: check.name,
    run: async (store, integration) => {
      const capability = store.capabilities[needs]
      if (capability.has) await check.run(store, integration)
      // What is lacking is said, with the reason that people read.
      else assert.ok(capability.why.length > 10)
    },
  }))

const PLAIN_CHECKS: readonly Check[] = [
  {
    name: 'a remove makes a secret absent, and removing what is not there is done',
    run: async (store, integration) => {
      const where = address(integration)
      assert.equal((await store.remove(where, ANY, call())).kind, 'done')
      await store.put(where, secret('first'), ANY, call())
      assert.equal((await store.remove(where, ANY, call())).kind, 'done')
      assert.equal((await store.get(where, call())).kind, 'absent')
      assert.equal((await store.remove(where, ANY, call())).kind, 'done')
    },
  },
  {
    name: 'unconditional puts at the same instant are all done, and one of them stays',
    run: async (store, integration) => {
      const where = address(integration)
      const words = ['a', 'b', 'c', 'd', 'e', 'f']
      const outcomes = await Promise.all(words.map((word) => store.put(where, secret(word), ANY, call())))
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        words.map(() => 'done'),
      )
      const held = plain(await store.get(where, call()))
      assert.ok(words.some((word) => JSON.stringify(plainSecret(secret(word))) === JSON.stringify(held)))
    },
  },
]

export const CONDITION_CHECKS: readonly Check[] = [
  ...PLAIN_CHECKS,
  ...only('compareAndSet', COMPARE_CHECKS),
  ...only('fence', FENCE_CHECKS),
]
