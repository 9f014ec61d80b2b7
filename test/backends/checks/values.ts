import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { SecretValue } from '../../../backends/secret.ts'
import { ANY, type Capabilities } from '../../../backends/store.ts'
import { address, type Check, call, names, plain, plainSecret, secret, secretsOf } from './check.ts'

/** What comes back changed from a store that holds such values, or not at all. */
const CHANGED: Readonly<Record<Capabilities['values'], readonly string[]>> = {
  bytes: [],
  text: [],
  json: ['not json'],
  jsonb: ['not json', '1e2', '-0', '"\\u0000"', '"\\ud800"'],
  'json-literals': ['not json', '1e400', '{"a":"\\ud800"}', '{"\\udc00":1}'],
  'json-doubles': ['not json', '1e400', '{"a":1.0}', '[12345678901234567890]', '{"a":"\\ud800"}'],
}

export const VALUE_CHECKS: readonly Check[] = [
  {
    name: 'a secret that was never put is absent, and not deleted',
    run: async (store, integration) => {
      const outcome = await store.get(address(integration), call())
      assert.equal(outcome.kind, 'absent')
      assert.equal(outcome.kind === 'absent' && outcome.deleted, false)
    },
  },
  {
    name: 'any secret that the store says it can hold comes back unchanged, under any name',
    run: async (store, integration) => {
      await fc.assert(
        fc.asyncProperty(secretsOf(store.capabilities), names, names, async (any, name, customer) => {
          const where = { integration, customer, name }
          assert.equal((await store.put(where, any, ANY, call())).kind, 'done')
          assert.deepEqual(plain(await store.get(where, call())), plainSecret(any))
        }),
        { numRuns: 60 },
      )
    },
  },
  {
    name: 'names that differ in case, spaces, accents or segments are different secrets',
    run: async (store, integration) => {
      const all = [
        'a',
        'A',
        'a ',
        ' a',
        'a/b',
        'a/B',
        'a%2Fb',
        '\u00e9',
        'e\u0301',
        '*',
        '%',
        '_',
        'a\tb',
        "'",
        '"',
        '\\',
      ]
      for (const name of all) await store.put(address(integration, name), secret(name), ANY, call())
      for (const name of all) {
        assert.deepEqual(plain(await store.get(address(integration, name), call())), plainSecret(secret(name)), name)
      }
    },
  },
  {
    name: 'a put replaces value, content type and metadata as a whole',
    run: async (store, integration) => {
      const { contentType, metadata } = store.capabilities
      const rich = secret('rich', {
        ...(contentType.has && { contentType: 'text/plain' }),
        ...(metadata.has && { metadata: { owner: 'a' } }),
      })
      await store.put(address(integration), rich, ANY, call())
      await store.put(address(integration), secret('bare'), ANY, call())
      assert.deepEqual(plain(await store.get(address(integration), call())), plainSecret(secret('bare')))
    },
  },
  {
    name: 'what a store cannot hold is refused and changes nothing',
    run: async (store, integration) => {
      const { contentType, metadata, values } = store.capabilities
      const beyond = [
        ...(contentType.has ? [] : [secret('x', { contentType: 'text/plain' })]),
        ...(metadata.has ? [] : [secret('x', { metadata: { owner: 'a' } })]),
        ...(values === 'bytes' ? [] : [secret('x', { value: SecretValue.of(Buffer.from([0xff, 0])) })]),
        ...(values === 'text' ? [secret('x', { value: SecretValue.ofText('a\0b') })] : []),
        ...CHANGED[values].map((text) => secret('x', { value: SecretValue.ofText(text) })),
      ]
      await store.put(address(integration), secret('before'), ANY, call())
      for (const one of beyond) {
        const { detail: _sentence, ...outcome } = {
          detail: '',
          ...(await store.put(address(integration), one, ANY, call())),
        }
        assert.deepEqual(outcome, { kind: 'refused', reason: 'unrepresentable' })
      }
      assert.deepEqual(plain(await store.get(address(integration), call())), plainSecret(secret('before')))
    },
  },
  {
    name: 'a value of the largest size is held, one byte more is refused as too large',
    run: async (store, integration) => {
      const { maxSize } = store.capabilities
      const ofSize = (bytes: number) => secret('', { value: SecretValue.ofText(`"${'x'.repeat(bytes - 2)}"`) })
      assert.equal((await store.put(address(integration), ofSize(maxSize), ANY, call())).kind, 'done')
      const outcome = await store.put(address(integration), ofSize(maxSize + 1), ANY, call())
      assert.deepEqual(outcome, { kind: 'refused', reason: 'too-large' })
      const held = await store.get(address(integration), call())
      assert.equal(held.kind === 'found' && held.secret.value.size, maxSize)
    },
  },
  {
    name: 'every put has a new version for people, where the store has versions',
    run: async (store, integration) => {
      const seen = new Set<string | null>()
      for (const word of ['a', 'b', 'c']) {
        const outcome = await store.put(address(integration), secret(word), ANY, call())
        const held = await store.get(address(integration), call())
        assert.equal(outcome.kind, 'done')
        assert.equal(held.kind, 'found')
        if (outcome.kind !== 'done' || held.kind !== 'found') return
        assert.equal(held.version, outcome.version)
        seen.add(outcome.version)
      }
      assert.equal(seen.size, store.capabilities.versions.has ? 3 : 1)
    },
  },
  {
    name: 'no outcome prints a value',
    run: async (store, integration) => {
      const outcomes: unknown[] = []
      const canary = 'canary-4f1c'
      outcomes.push(await store.put(address(integration), secret(canary), ANY, call()))
      outcomes.push(await store.get(address(integration), call()))
      outcomes.push((await store.getMany([address(integration)], call())).of(address(integration)))
      outcomes.push(await store.scan(integration, { after: null, limit: 10 }, call()))
      outcomes.push(await store.put(address(integration), secret(canary), { kind: 'at', fence: 'stale' }, call()))
      outcomes.push(await store.remove(address(integration), ANY, call()))
      const printed = inspect(outcomes, { depth: 20, showHidden: true }) + JSON.stringify(outcomes)
      assert.ok(!printed.includes(canary))
      assert.ok(printed.includes('[secret]'))
    },
  },
  {
    name: 'the store answers a ping and has nothing to report about itself but warnings',
    run: async (store) => {
      assert.deepEqual(await store.ping(call()), { kind: 'ok' })
      assert.deepEqual(
        (await store.check(call())).filter(({ level }) => level === 'error'),
        [],
      )
    },
  },
]
