import { type Address, type Secret, SecretValue } from '../secret.ts'
import { parseMetadata } from '../secret-text.ts'

/**
 * What is encrypted: one byte of format, four bytes of header length, a JSON header with content type and metadata
 * (which can be as sensitive as the value), the value.
 */
const FORMAT = 1
const PREFIX = 5

export function pack(secret: Secret): Buffer {
  const header = Buffer.from(JSON.stringify({ contentType: secret.contentType, metadata: secret.metadata }), 'utf8')
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt8(FORMAT, 0)
  prefix.writeUInt32BE(header.byteLength, 1)
  return Buffer.concat([prefix, header, secret.value.open()])
}

/** Null: not an envelope that this program knows. */
export function unpack(plaintext: Uint8Array): Secret | null {
  const bytes = Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength)
  if (bytes.byteLength < PREFIX || bytes.readUInt8(0) !== FORMAT) return null
  const start = PREFIX + bytes.readUInt32BE(1)
  if (start > bytes.byteLength) return null
  const header = parseHeader(bytes.toString('utf8', PREFIX, start))
  return header && { ...header, value: SecretValue.of(bytes.subarray(start)) }
}

function parseHeader(text: string): Pick<Secret, 'contentType' | 'metadata'> | null {
  try {
    const { contentType, metadata } = JSON.parse(text) as { contentType: unknown; metadata: unknown }
    const checked = parseMetadata(JSON.stringify(metadata))
    if (checked === null || (contentType !== null && typeof contentType !== 'string')) return null
    return { contentType, metadata: checked }
  } catch {
    return null
  }
}

/**
 * The additional data of a version: a row that is moved to another secret, customer or version does not open. Each part
 * is length-prefixed, so that no two addresses share an encoding.
 */
export function contextOf(address: Address, version: bigint): Buffer {
  const parts = ['crossfade/sealed/1', address.integration, address.customer, address.name, String(version)]
  return lengthPrefixed(parts)
}

export function lengthPrefixed(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8')
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.byteLength)
      return [length, bytes]
    }),
  )
}
