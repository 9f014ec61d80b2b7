import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, parseCanonical } from '../../../backends/canonical-json.ts'
import { type Secret, SecretValue } from '../../../backends/secret.ts'
import { ANY } from '../../../backends/store.ts'
import { makeCodec } from '../../../backends/vault-kv/codec.ts'
import { VALUE_FORMS, type VaultKvConfig } from '../../../backends/vault-kv/config.ts'
import { openVaultKvStore } from '../../../backends/vault-kv/open.ts'
import { useBao } from '../../support/bao.ts'
import { address, call, plain, plainSecret, secret, secretsOf } from '../checks/check.ts'
import { deps, vaultKvConfig } from '../subjects.ts'

const bao = useBao()
const options = { skip: bao.skip }
const WHERE = address('github')

const codecOf = (as: VaultKvConfig['value']['as'], version: 1 | 2 = 2) =>
  makeCodec({
    version,
    max_size: 65_536,
    max_strings: 1000,
    value: { as, field: 'value', own_field: 'crossfade', custom_metadata: 'ignore' },
  })
const document = (text: string): Secret => secret('', { value: SecretValue.ofText(text) })
const dataOf = (text: string): unknown => {
  const encoded = codecOf('map').encode(document(text))
  return encoded.kind === 'data' ? JSON.parse(encoded.json) : encoded.reason
}

for (const as of VALUE_FORMS) {
  for (const version of [1, 2] as const) {
    test(`${as}, version ${version}: any secret comes back from its data, so no two share it`, () => {
      const codec = codecOf(as, version)
      const values = as !== 'map' ? 'bytes' : version === 1 ? 'json-literals' : 'json-doubles'
      const has = { has: true } as const
      const secrets = secretsOf({ values, contentType: has, metadata: has } as never)
      fc.assert(
        fc.property(secrets, (one) => {
          const encoded = codec.encode(one)
          assert.equal(encoded.kind, 'data')
          const decoded = codec.decode(parseCanonical(encoded.kind === 'data' ? encoded.json : ''), null)
          assert.equal(decoded.kind, 'secret')
          const found = decoded.kind === 'secret' ? decoded.secret : document('nothing')
          assert.deepEqual(plainSecret(found), plainSecret(one))
        }),
      )
    })
  }
}

test('a JSON object is the data itself; what is none, or has our field, lies in our field', () => {
  assert.deepEqual(dataOf('{"user":"a","port":5432,"tags":["x",{"y":null}]}'), {
    user: 'a',
    port: 5432,
    tags: ['x', { y: null }],
  })
  assert.deepEqual(dataOf('{}'), {})
  assert.deepEqual(dataOf('[1]'), { crossfade: { json: [1] } })
  assert.deepEqual(dataOf('{"crossfade":{"removed":true}}'), { crossfade: { json: { crossfade: { removed: true } } } })
  assert.deepEqual(codecOf('map', 1).encode(document('{}')), { kind: 'data', json: '{"crossfade":{"json":{}}}' })
})

test('plain text lies in its field as it is, all else in base64 that says so', () => {
  const json = (value: SecretValue) => {
    const encoded = codecOf('text').encode(secret('', { value }))
    return encoded.kind === 'data' ? encoded.json : ''
  }
  assert.equal(json(SecretValue.ofText('p"w\n')), '{"value":"p\\"w\\n"}')
  assert.equal(json(SecretValue.of(Buffer.from([0xff]))), '{"value":"/w==","crossfade":{"encoding":"base64"}}')
  assert.equal(json(SecretValue.ofText('\0')), '{"value":"AA==","crossfade":{"encoding":"base64"}}')
})

test('the data of a removal is no secret, and no secret has it', () => {
  for (const as of VALUE_FORMS) {
    const codec = codecOf(as)
    assert.deepEqual(codec.decode(parseCanonical(codec.marker), null), { kind: 'removed' })
    const same = codec.encode(document(codec.marker))
    assert.notEqual(same.kind === 'data' && canonicalJson(same.json), canonicalJson(codec.marker))
  }
})

for (const version of [1, 2] as const) {
  test(
    `version ${version}: 500 fields and as many strings as the server takes are stored, one more is refused before it is sent`,
    options,
    async (t) => {
      const store = openVaultKvStore(
        await vaultKvConfig(t, await bao.server(), { version, value: { as: 'map' } }),
        deps('kv'),
      )
      t.after(() => store.close())
      const fields = (count: number): Secret =>
        document(
          canonicalJson(
            JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`field-${n}`, n]))),
          ) as string,
        )
      for (const one of [fields(500), fields(997), document(`{"a":[${Array(996).fill('"x"').join(',')}]}`)]) {
        assert.equal((await store.put(WHERE, one, ANY, call())).kind, 'done')
        assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(one))
      }
      for (const one of [
        fields(998),
        secret('x', { metadata: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, 'v'])) }),
      ]) {
        assert.deepEqual(await store.put(WHERE, one, ANY, call()), { kind: 'refused', reason: 'too-large' })
      }
    },
  )

  test(`version ${version}: a number is stored as it is written, or refused; never changed`, options, async (t) => {
    const store = openVaultKvStore(
      await vaultKvConfig(t, await bao.server(), { version, value: { as: 'map' } }),
      deps('kv'),
    )
    t.after(() => store.close())
    const literal = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
      fc.tuple(fc.integer(), fc.nat(999)).map(([n, e]) => `${n}e${e - 500}`),
      fc.tuple(fc.integer(), fc.stringMatching(/^[0-9]{1,20}$/)).map(([n, f]) => `${n}.${f}`),
      fc.constantFrom('-0', '0.0', '1e21', '1e+21', '1E5', '0e0'),
    )
    await fc.assert(
      fc.asyncProperty(literal, async (number) => {
        const one = document(`{"n":${number}}`)
        const outcome = await store.put(WHERE, one, ANY, call())
        if (outcome.kind === 'refused') return assert.equal(outcome.reason, 'unrepresentable')
        assert.equal(outcome.kind, 'done')
        assert.deepEqual(plain(await store.get(WHERE, call())), plainSecret(one))
      }),
      { numRuns: 150 },
    )
  })
}
