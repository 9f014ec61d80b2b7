import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

// The few pieces of DER that a self-signed Ed25519 certificate needs (RFC 5280, RFC 8410). Ed25519 signatures are
// deterministic, so the same seed gives the same certificate: node:crypto can make keys at random only.
const DER = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17, sequence: 0x30, set: 0x31 }
const OID = { ed25519: Buffer.from([0x2b, 0x65, 0x70]), commonName: Buffer.from([0x55, 0x04, 0x03]) }

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const length = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const algorithm = der(DER.sequence, der(DER.oid, OID.ed25519))

/** The Ed25519 private key that these 32 bytes are. */
export const privateKeyOf = (seed: Buffer): KeyObject => {
  const pkcs8 = der(DER.sequence, der(DER.integer, Buffer.from([0])), algorithm, der(DER.octets, der(DER.octets, seed)))
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

/** The key as PEM text (PKCS 8). */
export const privateKeyPem = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()

/** A real, self-signed certificate as PEM text, valid from 2020 to 2049. */
export const certificatePem = (key: KeyObject, commonName: string, serial: Buffer): string => {
  const name = der(
    DER.sequence,
    der(DER.set, der(DER.sequence, der(DER.oid, OID.commonName), der(DER.utf8, Buffer.from(commonName, 'utf8')))),
  )
  const time = (text: string): Buffer => der(DER.utcTime, Buffer.from(text, 'ascii'))
  const body = der(
    DER.sequence,
    der(DER.integer, Buffer.concat([Buffer.from([1]), serial])),
    algorithm,
    name,
    der(DER.sequence, time('200101000000Z'), time('491231235959Z')),
    name,
    createPublicKey(key).export({ format: 'der', type: 'spki' }),
  )
  const signature = der(DER.bits, Buffer.from([0]), sign(null, body, key))
  return pem('CERTIFICATE', der(DER.sequence, body, algorithm, signature))
}

const pem = (label: string, bytes: Buffer): string => {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
