import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { INTEGRATION_NAME } from '../../../bin/config/integrations.ts'
import { isFault } from '../../../core/fault.ts'
import { parseTarget, pathOf } from '../../../proxy/http/path.ts'

const P = '/api/v1/secrets/'
const refused = (path: string, code = 'path-refused') =>
  assert.throws(
    () => parseTarget(path),
    (error) => isFault(error) && error.code === code,
    path,
  )
const addressOf = (path: string) => {
  const target = parseTarget(path)
  return target.kind === 'secret' ? target.address : null
}

test('literal segments name a secret, with blanks and every script', () => {
  assert.deepEqual(addressOf(`${P}aws/c%201/prod/%C3%BCber/%F0%9F%94%91?x=1`), {
    integration: 'aws',
    customer: 'c 1',
    name: 'prod/über/🔑',
  })
})

test('integration and customer alone name a listing', () => {
  assert.deepEqual(parseTarget(`${P}aws/c1?limit=3`), { kind: 'listing', integration: 'aws', customer: 'c1' })
})

test('a segment that another reader could take for something else is refused', () => {
  const bad = ['', '.', '..', '%2e', '%2E%2e', '.%2e', 'a%2Fb', 'a%2fb', 'a%5Cb', 'a%00', '%0a', '%7F', '%C2%85']
  for (const segment of bad) {
    refused(`${P}aws/c1/${segment}`)
    refused(`${P}aws/c1/a/${segment}/b`)
    refused(`${P}aws/${segment}/n`)
  }
})

test('a bad escape, invalid UTF-8, a surrogate, an overlong form and a raw character are refused', () => {
  for (const segment of ['%', '%4', '%zz', '%ff', '%C3', '%ED%A0%80', '%C0%AF', 'ü', 'a b', 'a\\b', 'a#b', 'a"b'])
    refused(`${P}aws/c1/${segment}`)
})

test('a trailing slash, a doubled one, no customer and what is too long are refused', () => {
  for (const path of ['aws/c1/', 'aws/c1/n/', 'aws//n', 'aws', '', 'aws/c1//n']) refused(P + path)
  refused(`${P}AWS/c1/n`)
  refused(`${P}-a/c1/n`)
  refused(`${P}aws/${'c'.repeat(129)}/n`)
  refused(`${P}aws/c1/${'n'.repeat(513)}`)
  refused(`${P}aws/c1/${'%C3%BC'.repeat(257)}`)
  assert.equal(addressOf(`${P}aws/c1/${'n'.repeat(512)}`)?.name.length, 512)
})

test('every name that the configuration takes for an integration can be asked for', () => {
  fc.assert(
    fc.property(fc.stringMatching(INTEGRATION_NAME), (integration) => {
      assert.deepEqual(addressOf(`${P}${integration}/c1/n`), { integration, customer: 'c1', name: 'n' })
    }),
  )
})

test('a prefix that is not written literally leads nowhere', () =>
  refused('/api/v1/secre%74s/aws/c1/n', 'no-such-route'))

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what the edge refuses.
  .filter((s) => s !== '.' && s !== '..' && !/[/\\\u0000-\u001f\u007f-\u009f]/.test(s))
const address = fc.record({
  integration: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
  customer: segment,
  name: fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/')),
})

test('every address has a path, and the path leads back to it', () => {
  fc.assert(
    fc.property(address, (wanted) => {
      assert.deepEqual(addressOf(pathOf(wanted)), { ...wanted })
    }),
  )
})

test('no two paths reach one address, unless they differ in nothing but percent-encoding of the same segments', () => {
  const raw = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          'a',
          'b',
          '/',
          '%2F',
          '%2f',
          '%61',
          '.',
          '%2e',
          '%5C',
          '%',
          '%00',
          '%C3%BC',
          '%c3%bc',
          '%FF',
          '//',
        ),
        fc.string({ unit: 'binary-ascii', maxLength: 3 }),
      ),
      { maxLength: 8 },
    )
    .map((parts) => `${P}aws/c/${parts.join('')}`)
  const parsed = (path: string): string | null => {
    try {
      return JSON.stringify(parseTarget(path))
    } catch {
      return null
    }
  }
  // Split first, decode each segment after: equal exactly if the segments are.
  const segments = (path: string) =>
    JSON.stringify((path.split('?', 1)[0] as string).split('/').map(decodeURIComponent))
  fc.assert(
    fc.property(raw, raw, (one, two) => {
      const [a, b] = [parsed(one), parsed(two)]
      if (a === null || b === null) return
      assert.equal(a === b, segments(one) === segments(two))
    }),
    { numRuns: 2000 },
  )
})
