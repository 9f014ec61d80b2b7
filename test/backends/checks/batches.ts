import assert from 'node:assert/strict'
import { ANY, type Condition, type PutRequest } from '../../../backends/store.ts'
import { listed } from '../../support/answers.ts'
import { address, at, type Check, call, fenceOf, plain, plainSecret, secret } from './check.ts'

const request = (integration: string, name: string, word: string, condition: Condition = ANY): PutRequest => ({
  address: address(integration, name),
  secret: secret(word),
  condition,
})

export const BATCH_CHECKS: readonly Check[] = [
  {
    name: 'getMany answers as get does, in the order asked, for repeated, absent and removed secrets too',
    run: async (store, integration) => {
      for (const name of ['a', 'b', 'c']) await store.put(address(integration, name), secret(name), ANY, call())
      await store.remove(address(integration, 'b'), ANY, call())
      const asked = ['c', 'none', 'a', 'b', 'a'].map((name) => address(integration, name))
      const single = []
      for (const one of asked) single.push(await store.get(one, call()))
      const many = listed(asked, await store.getMany(asked, call()))
      assert.deepEqual(many.map(plain), single.map(plain))
      assert.deepEqual(
        many.map((o) => o.kind === 'found' && [o.version, o.fence]),
        single.map((o) => o.kind === 'found' && [o.version, o.fence]),
      )
    },
  },
  {
    name: 'gets of the same instant are each answered with their own secret',
    run: async (store, integration) => {
      const all = Array.from({ length: 40 }, (_, n) => `name-${n}`)
      const puts = all.map((name) => request(integration, name, name))
      const done = listed(puts, await store.putMany(puts, call()))
      assert.ok(done.every(({ kind }) => kind === 'done'))
      const outcomes = await Promise.all(all.map((name) => store.get(address(integration, name), call())))
      assert.deepEqual(
        outcomes.map(plain),
        all.map((name) => plainSecret(secret(name))),
      )
    },
  },
  {
    name: 'a batch of mixed puts has an outcome each, and a conflict stops no other',
    run: async (store, integration) => {
      if (!store.capabilities.compareAndSet.has) return assert.ok(store.capabilities.compareAndSet.why.length > 10)
      const stale = fenceOf(await store.put(address(integration, 'stale'), secret('0'), ANY, call()))
      const fresh = fenceOf(await store.put(address(integration, 'fresh'), secret('0'), ANY, call()))
      await store.put(address(integration, 'stale'), secret('1'), ANY, call())
      const never = fenceOf(await store.get(address(integration, 'created'), call()))
      const puts = [
        request(integration, 'stale', 'x', at(stale)),
        request(integration, 'fresh', '2', at(fresh)),
        request(integration, 'created', '3', at(never)),
        request(integration, 'any', '4'),
      ]
      const outcomes = listed(puts, await store.putMany(puts, call()))
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['conflict', 'done', 'done', 'done'],
      )
      const asked = ['stale', 'fresh', 'created', 'any'].map((n) => address(integration, n))
      const held = listed(asked, await store.getMany(asked, call()))
      assert.deepEqual(
        held.map(plain),
        ['1', '2', '3', '4'].map((word) => plainSecret(secret(word))),
      )
    },
  },
  {
    name: 'a secret that occurs twice in a batch is written in the order given',
    run: async (store, integration) => {
      const puts = [request(integration, 'a', '1'), request(integration, 'b', '2'), request(integration, 'a', '3')]
      const outcomes = listed(puts, await store.putMany(puts, call()))
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['done', 'done', 'done'],
      )
      assert.deepEqual(plain(await store.get(address(integration, 'a'), call())), plainSecret(secret('3')))
    },
  },
  {
    name: 'the fences that a batch gives are those that reads give',
    run: async (store, integration) => {
      if (!store.capabilities.compareAndSet.has) return assert.ok(store.capabilities.compareAndSet.why.length > 10)
      const puts = [request(integration, 'a', '1'), request(integration, 'b', '2')]
      const outcomes = listed(puts, await store.putMany(puts, call()))
      const asked = [address(integration, 'a'), address(integration, 'b')]
      const reads = listed(asked, await store.getMany(asked, call()))
      assert.deepEqual(outcomes.map(fenceOf), reads.map(fenceOf))
    },
  },
  {
    name: 'a batch answers what it was asked, and an empty one nothing',
    run: async (store, integration) => {
      const [asked, other] = [address(integration, 'a'), address(integration, 'b')]
      const isNotAsked = { code: 'answer-not-asked' }
      for (const questions of [[], [asked]]) {
        const read = await store.getMany(questions, call())
        assert.throws(() => read.of(other), isNotAsked)
      }
      const written = await store.putMany([], call())
      assert.throws(() => written.of(request(integration, 'a', '1')), isNotAsked)
    },
  },
  {
    name: 'a batch of the largest size is taken',
    run: async (store, integration) => {
      const all = Array.from({ length: store.capabilities.batch.max }, (_, n) => `n${n}`)
      const puts = all.map((name) => request(integration, name, name))
      const outcomes = listed(puts, await store.putMany(puts, call()))
      assert.ok(outcomes.every(({ kind }) => kind === 'done'))
      const asked = all.map((name) => address(integration, name))
      const held = listed(asked, await store.getMany(asked, call()))
      assert.deepEqual(
        held.map(plain),
        all.map((name) => plainSecret(secret(name))),
      )
    },
  },
]
