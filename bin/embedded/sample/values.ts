import type { Shape } from '../../../backends/digest.ts'
import { certificatePem, privateKeyOf, privateKeyPem } from './certificate.ts'
import type { Random } from './random.ts'

/** What a sample secret holds, before it has an address. */
export interface SampleValue {
  readonly value: Buffer
  /** Null where the application that wrote it never said. */
  readonly contentType: string | null
}

/** What a kind of secret is called and what it looks like. */
interface Kind {
  /** Its part of the sample, relative to the others. */
  readonly weight: number
  readonly shape: Shape
  readonly names: readonly string[]
  readonly make: (random: Random) => SampleValue
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const PRINTABLE = `${LETTERS} !#$%&()*+,-./:;<=>?@[]^_{|}~äöüßéñ漢字パスワード🔑`
const DIGITS = '0123456789'

const text = (value: string, contentType: string | null): SampleValue => ({
  value: Buffer.from(value, 'utf8'),
  contentType,
})

const password = (random: Random): SampleValue => {
  const characters = [...PRINTABLE]
  return text(Array.from({ length: 12 + random.below(20) }, () => random.pick(characters)).join(''), 'text/plain')
}

// Written by hand, as an application would have: number literals that JavaScript cannot hold must survive, and so must
// the order of keys and the white space where values are kept byte for byte.
const json = (random: Random): SampleValue => {
  const id = `${1 + random.below(9)}${random.text(DIGITS, 19)}`
  const scopes = ['read', 'write', 'admin'].slice(0, 1 + random.below(3))
  const fields = [
    `"client_id": ${id}`,
    `"client_secret": ${JSON.stringify(random.text(LETTERS, 40))}`,
    `"scopes": ${JSON.stringify(scopes)}`,
    `"ratio": ${random.pick(['1.0', '0.10', '1e3', '-0'])}`,
    `"owner": {"name": ${JSON.stringify(random.pick(['Zoë', 'Jürgen', '山田', 'Ana']))}, "active": true, "note": null}`,
  ]
  const order = random.below(2) === 0 ? fields : [...fields].reverse()
  const body = random.below(2) === 0 ? `{${order.join(',')}}` : `{\n  ${order.join(',\n  ')}\n}\n`
  return text(body, random.chance(80) ? 'application/json' : null)
}

const certificate = (random: Random): SampleValue => {
  const key = privateKeyOf(random.bytes(32))
  const host = `${random.text('abcdefghijklmnopqrstuvwxyz', 8)}.example.test`
  return text(
    certificatePem(key, host, random.bytes(8)) + (random.chance(50) ? privateKeyPem(key) : ''),
    'application/x-pem-file',
  )
}

/** Each kind with its weight and names; `json` kinds fit integrations whose shape is JSON. */
export const KINDS = {
  'api-key': {
    weight: 46,
    shape: 'bytes',
    names: ['api-key', 'prod/api-key', 'staging/api-key', 'webhooks/signing-secret', 'service accounts/deploy bot'],
    make: (random) => text(random.text(LETTERS, 24 + random.below(40)), random.chance(70) ? 'text/plain' : null),
  },
  password: {
    weight: 18,
    shape: 'bytes',
    names: [
      'prod/db/password',
      'staging/db/password',
      'clé/accès',
      'パスワード/本番',
      'Geschäftsführung/Zugang',
      'admin login',
    ],
    make: password,
  },
  json: {
    weight: 16,
    shape: 'json',
    names: ['oauth/client', 'prod/oauth/client', 'service-account.json', 'workspaces/größte/oauth', 'app config (v2)'],
    make: json,
  },
  certificate: {
    weight: 8,
    shape: 'bytes',
    names: ['tls/client.pem', 'prod/eu-west-1/tls/client.pem', 'saml/signing cert.pem'],
    make: certificate,
  },
  'private-key': {
    weight: 5,
    shape: 'bytes',
    names: ['deploy/ssh key', 'prod/jwt/signing-key.pem'],
    make: (random) => text(privateKeyPem(privateKeyOf(random.bytes(32))), 'application/x-pem-file'),
  },
  binary: {
    weight: 6,
    shape: 'bytes',
    names: ['keystore.jks', 'prod/hmac.bin', 'kerberos/keytab'],
    // A NUL and a byte that no UTF-8 text has, so that a store that keeps text would be found out.
    make: (random) => ({
      value: Buffer.concat([Buffer.from([0x00, 0xff]), random.bytes(16 + random.below(1024))]),
      contentType: random.chance(60) ? 'application/octet-stream' : null,
    }),
  },
  empty: {
    weight: 1,
    shape: 'bytes',
    names: ['legacy/unused', 'prod/optional passphrase'],
    make: (random) => text('', random.chance(50) ? 'text/plain' : null),
  },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

/** The size that integrations allow by default; exactly one sample secret has it. */
export const LARGEST = 64 * 1024
