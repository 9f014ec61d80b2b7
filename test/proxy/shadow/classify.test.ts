import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ABSENT } from '../../../backends/digest.ts'
import { classify, type MismatchClass, type Sight } from '../../../ledger/compare.ts'

const seen = (fingerprint: string, valueFingerprint = fingerprint): Sight => ({
  kind: 'seen',
  fingerprint,
  valueFingerprint,
  version: null,
})

const SIGHTS = {
  a: seen('a', 'va'),
  a_with_other_metadata: seen('a2', 'va'),
  b: seen('b', 'vb'),
  absent: seen(ABSENT),
  undecryptable: { kind: 'undecryptable', fingerprint: null, valueFingerprint: null, version: null },
  store_error: { kind: 'store_error', fingerprint: null, valueFingerprint: null, version: null },
} as const satisfies Record<string, Sight>
type Name = keyof typeof SIGHTS

// Rows: what legacy holds; columns: what new holds. A cell that is left out does not compile.
const TABLE: Readonly<Record<Name, Readonly<Record<Name, MismatchClass | null>>>> = {
  a: {
    a: null,
    a_with_other_metadata: 'metadata',
    b: 'value',
    absent: 'missing_in_new',
    undecryptable: 'undecryptable',
    store_error: 'store_error',
  },
  a_with_other_metadata: {
    a: 'metadata',
    a_with_other_metadata: null,
    b: 'value',
    absent: 'missing_in_new',
    undecryptable: 'undecryptable',
    store_error: 'store_error',
  },
  b: {
    a: 'value',
    a_with_other_metadata: 'value',
    b: null,
    absent: 'missing_in_new',
    undecryptable: 'undecryptable',
    store_error: 'store_error',
  },
  absent: {
    a: 'extra_in_new',
    a_with_other_metadata: 'extra_in_new',
    b: 'extra_in_new',
    absent: null,
    undecryptable: 'undecryptable',
    store_error: 'store_error',
  },
  undecryptable: {
    a: 'undecryptable',
    a_with_other_metadata: 'undecryptable',
    b: 'undecryptable',
    absent: 'undecryptable',
    undecryptable: 'undecryptable',
    store_error: 'store_error',
  },
  store_error: {
    a: 'store_error',
    a_with_other_metadata: 'store_error',
    b: 'store_error',
    absent: 'store_error',
    undecryptable: 'store_error',
    store_error: 'store_error',
  },
}

for (const [legacy, row] of Object.entries(TABLE)) {
  for (const [fresh, wanted] of Object.entries(row)) {
    test(`legacy holds ${legacy}, new holds ${fresh}: ${wanted ?? 'equal'}`, () => {
      assert.equal(classify({ legacy: SIGHTS[legacy as Name], new: SIGHTS[fresh as Name] }), wanted)
    })
  }
}

test('equal sides that are not what the row knows were written behind the proxy', () => {
  const sights = { legacy: SIGHTS.a, new: SIGHTS.a }
  assert.equal(classify(sights, { current: 'b', versions: {} }), 'out_of_band')
  assert.equal(classify(sights, { current: 'a', versions: {} }), null)
})

test('a side that went back behind its recorded version is stale', () => {
  const sights = { legacy: { ...SIGHTS.a, version: '7' }, new: { ...SIGHTS.b, version: '3' } }
  assert.equal(classify(sights, { current: null, versions: { new: '5' } }), 'stale')
  assert.equal(classify(sights, { current: null, versions: { new: '3' } }), 'value')
})
