import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isKeyTemplate, keyNameOf } from '../../backends/sealed/key-name.ts'

const customers = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('_', '-', '.', '/', 'a', '5', 'F', 'é', '{customer}'), maxLength: 6 }),
)

test('no two customers share a key name, and every name can be one', () => {
  fc.assert(
    fc.property(customers, customers, (one, other) => {
      const names = [one, other].map((customer) => keyNameOf('customer-{customer}', customer))
      for (const name of names) assert.match(name, /^\w(([\w.-]+)?\w)?$/)
      assert.equal(names[0] === names[1], one === other)
    }),
    { numRuns: 2_000 },
  )
})

const NAMES = {
  acme: 'k-acme',
  'eu-1.a': 'k-eu-1.a',
  '-a-': 'k-_2Da_2D',
  a_b: 'k-a_5Fb',
  'é/': 'k-_C3_A9_2F',
  '': 'k-_',
}

for (const [customer, name] of Object.entries(NAMES)) {
  test(`the key of customer ${JSON.stringify(customer)} is ${name}`, () => {
    assert.equal(keyNameOf('k-{customer}', customer), name)
  })
}

const TEMPLATES = ['customer-{customer}', '{customer}', 'a.{customer}.b']
const NONE = ['customer', '{customer}{customer}', '-{customer}', '{customer}-', 'a/{customer}', 'ä{customer}', '']

for (const text of TEMPLATES) {
  test(`${text} can name keys`, () => assert.equal(isKeyTemplate(text), true))
}
for (const text of NONE) {
  test(`${JSON.stringify(text)} cannot name keys`, () => assert.equal(isKeyTemplate(text), false))
}
