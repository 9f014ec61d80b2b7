import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/*
 * Certificates made at test time: an authority, and certificates of servers and clients that it signs (RFC 5280, Ed25519 of
 * RFC 8410). node:crypto reads certificates and makes none.
 */

export interface Certified {
  /** PEM. */
  readonly cert: string
  readonly key: string
}
export interface Authority extends Certified {
  /** For a DNS name, which is also the subject; `127.0.0.1` becomes an address. */
  issue(name: string): Certified
}

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
}
const OID = {
  ed25519: Buffer.from([0x2b, 0x65, 0x70]),
  commonName: Buffer.from([0x55, 0x04, 0x03]),
  basicConstraints: Buffer.from([0x55, 0x1d, 0x13]),
  alternativeName: Buffer.from([0x55, 0x1d, 0x11]),
}

/** As short as can be: Go refuses a longer form. */
const lengthOf = ({ length }: Buffer): readonly number[] => {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}
const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body)]), body])
}
const sequence = (...parts: readonly Buffer[]): Buffer => der(TAG.sequence, ...parts)
const algorithm = sequence(der(TAG.oid, OID.ed25519))
const nameOf = (text: string): Buffer =>
  sequence(der(TAG.set, sequence(der(TAG.oid, OID.commonName), der(TAG.utf8, Buffer.from(text)))))
const timeOf = (text: string): Buffer => der(TAG.utcTime, Buffer.from(text, 'ascii'))
const extension = (oid: Buffer, critical: boolean, value: Buffer): Buffer =>
  sequence(der(TAG.oid, oid), ...(critical ? [der(TAG.boolean, Buffer.from([0xff]))] : []), der(TAG.octets, value))

const AUTHORITY = extension(OID.basicConstraints, true, sequence(der(TAG.boolean, Buffer.from([0xff]))))
const alternative = (name: string): Buffer => {
  const isAddress = /^\d+(\.\d+){3}$/.test(name)
  // GeneralName: [2] a DNS name, [7] an address.
  const general = isAddress ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name))
  return extension(OID.alternativeName, false, sequence(general))
}

interface Wanted {
  readonly subject: string
  readonly publicKey: KeyObject
  readonly issuer: string
  readonly issuerKey: KeyObject
  readonly extensions: Buffer
}

function certificateOf({ subject, publicKey, issuer, issuerKey, extensions }: Wanted): string {
  const body = sequence(
    // Version 3, since it has extensions.
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(timeOf('200101000000Z'), timeOf('491231235959Z')),
    nameOf(subject),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(extensions)),
  )
  const signature = der(TAG.bits, Buffer.from([0]), sign(null, body, issuerKey))
  const text =
    sequence(body, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...text, '-----END CERTIFICATE-----', ''].join('\n')
}

const pemOf = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()

export function makeAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const own = { subject: name, publicKey, issuer: name, issuerKey: privateKey, extensions: AUTHORITY }
  return {
    cert: certificateOf(own),
    key: pemOf(privateKey),
    issue: (subject) => {
      const pair = generateKeyPairSync('ed25519')
      const extensions = alternative(subject)
      const cert = certificateOf({ ...own, subject, publicKey: pair.publicKey, extensions })
      return { cert, key: pemOf(pair.privateKey) }
    },
  }
}
