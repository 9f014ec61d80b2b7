import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { targetOf } from '../../../backends/vault/request.ts'
import { makePathTemplate, templateProblem } from '../../../backends/vault-kv/path-template.ts'
import { decodeSegment, encodeSegment, standsForItself } from '../../../backends/vault-kv/segments.ts'

/** All well-formed text, with more of what paths cannot hold than chance would bring. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['/', '.', '..', '~', '~2F', '~crossfade~', '~7E', '~0A', '%', '%2F'],
        ...['\0', '\n', '\u200d', '\u0378', '\uffff', 'é', 'e\u0301', '\u{1F511}'],
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))
  .filter((text) => text.isWellFormed())
const addresses = fc.record({ integration: texts, customer: texts, name: texts }, { noNullPrototype: true })

const TEMPLATES = [
  '{integration}/{customer}/{name}',
  'teams/{customer}/of/{integration}/secrets/{name}',
  'a b/{integration}/{customer}/{name}',
]

test('any text is one segment that can be sent, and comes back', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const segment = encodeSegment(text)
      assert.equal(decodeSegment(segment), text)
      assert.notEqual(targetOf({ method: 'GET', path: [segment] }), null)
    }),
    { numRuns: 2000 },
  )
})

test('a segment that is listed has one text or none, and none twice', () => {
  fc.assert(
    fc.property(texts, (segment) => {
      const text = decodeSegment(segment)
      assert.ok(text === null || encodeSegment(text) === segment)
    }),
    { numRuns: 2000 },
  )
})

for (const template of TEMPLATES) {
  const paths = makePathTemplate(template)
  test(`${template}: an address and its path are each other's only image`, () => {
    fc.assert(
      fc.property(addresses, addresses, (one, other) => {
        const path = paths.place(one)
        if (path === null) return
        assert.deepEqual(paths.address(path), one)
        const same = JSON.stringify(one) === JSON.stringify(other)
        assert.equal(JSON.stringify(paths.place(other)) === JSON.stringify(path), same)
      }),
      { numRuns: 1000 },
    )
  })

  test(`${template}: no path leaves the folder of its customer, also as a server or a proxy reads it`, () => {
    fc.assert(
      fc.property(addresses, (address) => {
        const path = paths.place(address)
        if (path === null) return
        const folder = paths.names(address.integration, address.customer)
        const [target, prefix] = [path, folder].map((p) => targetOf({ method: 'GET', path: p }))
        const asRead = new URL(target as string, 'http://server').pathname
        assert.equal(asRead, target)
        assert.ok(asRead.startsWith(`${prefix}/`))
        assert.ok(!asRead.includes('//') && !/%2f|%00/i.test(asRead))
        assert.ok(path.every((segment) => segment !== '' && segment !== '.' && segment !== '..'))
      }),
      { numRuns: 1000 },
    )
  })
}

test('ordinary names stand for themselves, so that an existing store stays readable', () => {
  for (const text of [
    'acme',
    'eu-1',
    'db password',
    'a.b',
    '.env',
    'zürich',
    'ключ',
    '鍵',
    'a~b',
    '50%',
    'a%2Fb',
    'x@y.z',
    '*',
    'API — prod',
    '“quoted”',
    'deploy→prod',
    'name.',
    '...',
    '~',
    '~backup',
    '~41',
    '~API ~E2~80~94 prod',
    '~crossfade~plain',
    '~crossfade~a~b',
    '~crossfade~a~41',
    '\u{1F511}',
    'مفتاح',
  ]) {
    assert.ok(standsForItself(text), text)
  }
  const { place } = makePathTemplate('{integration}/{customer}/{name}')
  assert.deepEqual(place({ integration: 'github', customer: 'acme', name: 'ci/token' }), [
    'github',
    'acme',
    'ci',
    'token',
  ])
})

test('a name that is the image of another one is escaped once more, so that both have a place', () => {
  for (const text of ['', '.', 'a/b', 'a\nb', '~crossfade~', '~crossfade~a~0Ab']) {
    assert.ok(!standsForItself(text), text)
    assert.ok(!standsForItself(encodeSegment(text)), text)
    assert.equal(decodeSegment(encodeSegment(text)), text)
  }
})

test('what has half of a surrogate pair, or a path that is too long, has no place', () => {
  const { place } = makePathTemplate('{integration}/{customer}/{name}')
  assert.equal(place({ integration: 'a', customer: 'b', name: '\ud800' }), null)
  assert.equal(place({ integration: 'a', customer: 'b', name: 'x'.repeat(5000) }), null)
  assert.equal(place({ integration: 'a', customer: 'b', name: '\n'.repeat(1500) }), null)
})

test('a template under which two secrets could share a path is refused in words', () => {
  for (const template of [
    '{customer}/{name}',
    '{integration}-{customer}/{name}',
    '{integration}/{name}/{customer}',
    '{integration}/{customer}/x-{name}',
    '{integration}/{customer}/{customer}/{name}',
    '/{integration}/{customer}/{name}',
    '../{integration}/{customer}/{name}',
    '{tenant}/{integration}/{customer}/{name}',
  ]) {
    assert.match(templateProblem(template) ?? '', /expected|cannot be part/, template)
  }
  for (const template of TEMPLATES) assert.equal(templateProblem(template), null)
})
