import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { strictBytes } from '../../backends/postgres/cipher.ts'
import { makeCodec } from '../../backends/postgres/codec.ts'
import { type PostgresConfig, postgresConfigSchema } from '../../backends/postgres/config.ts'
import { SecretValue } from '../../backends/secret.ts'
import { address } from './checks/check.ts'

const KEY = randomBytes(32)
const WHERE = address('aws', 'prod/token', 'acme')
const random = (n: number) => randomBytes(n)

interface Made {
  readonly nonce: Buffer
  readonly body: Buffer
  readonly tag: Buffer
}

/** The old system: written with node:crypto alone. */
function encrypted(plain: Uint8Array, nonceBytes: number, bound: string): Made {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce).setAAD(Buffer.from(bound))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return { nonce, body, tag: cipher.getAuthTag() }
}
function decrypted({ nonce, body, tag }: Made, bound: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', KEY, nonce).setAAD(Buffer.from(bound)).setAuthTag(tag)
  return Buffer.concat([decipher.update(body), decipher.final()])
}

interface System {
  readonly encoding: object
  readonly nonceBytes: number
  readonly bound: string
  readonly write: (made: Made) => Buffer | string
  readonly read: (stored: Buffer | string) => Made
}

const cut = (bytes: Buffer, lengths: readonly number[]): Buffer[] => {
  let at = 0
  return lengths.map((length) => {
    at += length
    return bytes.subarray(at - length, at)
  })
}

/** What is found in real systems; the default is that of Go, Java and Tink. */
const SYSTEMS: Readonly<Record<string, System>> = {
  'nonce, ciphertext, tag in bytea': {
    encoding: { column: 'bytea' },
    nonceBytes: 12,
    bound: '',
    write: ({ nonce, body, tag }) => Buffer.concat([nonce, body, tag]),
    read: (stored) => {
      const bytes = stored as Buffer
      const [nonce, body, tag] = cut(bytes, [12, bytes.length - 28, 16]) as [Buffer, Buffer, Buffer]
      return { nonce, body, tag }
    },
  },
  'IV of 16 bytes, tag, ciphertext as base64 of it all': {
    encoding: { column: 'base64', layout: { order: ['nonce', 'tag', 'ciphertext'], nonce_bytes: 16 } },
    nonceBytes: 16,
    bound: '',
    write: ({ nonce, body, tag }) => Buffer.concat([nonce, tag, body]).toString('base64'),
    read: (stored) => {
      const bytes = Buffer.from(stored as string, 'base64')
      const [nonce, tag, body] = cut(bytes, [16, 16, bytes.length - 32]) as [Buffer, Buffer, Buffer]
      return { nonce, body, tag }
    },
  },
  'iv:tag:ciphertext in hex, behind a version, bound to its row': {
    encoding: {
      column: 'hex',
      layout: {
        order: ['nonce', 'tag', 'ciphertext'],
        separator: ':',
        prefix: 'v2$',
        bound: '{integration}/{customer}/{name}',
      },
    },
    nonceBytes: 12,
    bound: 'aws/acme/prod/token',
    write: ({ nonce, body, tag }) => `v2$${[nonce, tag, body].map((part) => part.toString('hex')).join(':')}`,
    read: (stored) => {
      const [nonce, tag, body] = (stored as string)
        .slice(3)
        .split(':')
        .map((part) => Buffer.from(part, 'hex')) as [Buffer, Buffer, Buffer]
      return { nonce, body, tag }
    },
  },
  'ciphertext, tag, nonce': {
    encoding: { column: 'bytea', layout: { order: ['ciphertext', 'tag', 'nonce'] } },
    nonceBytes: 12,
    bound: '',
    write: ({ nonce, body, tag }) => Buffer.concat([body, tag, nonce]),
    read: (stored) => {
      const bytes = stored as Buffer
      const [body, tag, nonce] = cut(bytes, [bytes.length - 28, 16, 12]) as [Buffer, Buffer, Buffer]
      return { nonce, body, tag }
    },
  },
}

const encodingOf = (encoding: object): PostgresConfig['encoding'] =>
  postgresConfigSchema.shape.encoding.parse({ cipher: 'aes-256-gcm', key_file: '/key', ...encoding })
const codecOf = (system: System) => makeCodec(encodingOf(system.encoding), createSecretKey(KEY), random)

for (const [what, system] of Object.entries(SYSTEMS)) {
  test(`${what}: what the old system wrote is read, and what is written it reads`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (plain) => {
        const codec = codecOf(system)
        const read = codec.decode(system.write(encrypted(plain, system.nonceBytes, system.bound)), WHERE)
        assert.deepEqual(read.kind === 'value' && Buffer.from(read.value.open()), Buffer.from(plain))
        const written = codec.encode(SecretValue.of(plain), WHERE)
        assert.ok(written !== null)
        assert.deepEqual(decrypted(system.read(written), system.bound), Buffer.from(plain))
      }),
      { numRuns: 50 },
    )
  })

  test(`${what}: what lies in the column in any other form is undecryptable, never another value`, () => {
    const codec = codecOf(system)
    const stored = system.write(encrypted(Buffer.from('value'), system.nonceBytes, system.bound))
    for (let at = 0; at < stored.length; at += 1) {
      const changed =
        typeof stored === 'string' ? `${stored.slice(0, at)}#${stored.slice(at + 1)}` : flipped(stored, at)
      const cutOff = stored.slice(0, at)
      for (const wrong of [changed, cutOff]) {
        const read = codec.decode(wrong, WHERE)
        // Base64 without its padding is base64 still.
        if (read.kind === 'value') assert.equal(Buffer.from(read.value.open()).toString(), 'value', `at ${at}`)
        else assert.equal(read.kind, 'undecryptable', `at ${at}`)
      }
      if (at < stored.length - 2) assert.deepEqual(codec.decode(cutOff, WHERE), { kind: 'undecryptable' }, `at ${at}`)
    }
  })
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

test('a value that is bound to its row does not open in another, also where a name holds a placeholder', () => {
  const codec = codecOf(SYSTEMS['iv:tag:ciphertext in hex, behind a version, bound to its row'] as System)
  const tricky = { ...WHERE, customer: '{name}' }
  const stored = codec.encode(SecretValue.ofText('x'), tricky)
  assert.ok(stored !== null)
  assert.equal(codec.decode(stored, tricky).kind, 'value')
  for (const part of ['integration', 'customer', 'name'] as const) {
    assert.deepEqual(codec.decode(stored, { ...tricky, [part]: 'other' }), { kind: 'undecryptable' })
  }
})

const REFUSED = {
  'a separator in a column of bytes': { column: 'bytea', layout: { separator: ':' } },
  'a prefix in a column of bytes': { column: 'bytea', layout: { prefix: 'v1' } },
  'a separator that base64 uses': { column: 'base64', layout: { separator: '+' } },
  'a part named twice': { column: 'bytea', layout: { order: ['nonce', 'nonce', 'tag'] } },
  'a nonce that is too short': { column: 'bytea', layout: { nonce_bytes: 8 } },
  'a cipher in a column of json': { column: 'jsonb' },
} as const satisfies Record<string, object>

for (const [what, encoding] of Object.entries(REFUSED)) {
  test(`${what} is refused in the configuration`, () => {
    assert.throws(() => encodingOf(encoding))
  })
}

test('base64 is read with and without padding, with the signs of URLs and over lines, and nothing else is', () => {
  for (const text of ['+/8=', '+/8', '-_8', '+/\n8='])
    assert.deepEqual(strictBytes(text, 'base64'), Buffer.from([0xfb, 0xff]))
  for (const text of ['+/9', 'a', '*', 'YQ==YQ==']) assert.equal(strictBytes(text, 'base64'), null, text)
  for (const text of ['abc', 'xx', '0x00']) assert.equal(strictBytes(text, 'hex'), null, text)
})
