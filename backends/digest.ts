import { createHmac, type KeyObject } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import { type Address, DEFAULT_CONTENT_TYPE, type Secret } from './secret.ts'
import { utf8 } from './secret-text.ts'

/** What an integration's values are: compared byte for byte, or as equal canonical JSON with number literals kept. */
export const SHAPES = ['bytes', 'json'] as const
export type Shape = (typeof SHAPES)[number]

/** `fingerprint`: under the migration's key, kept in the ledger, destroyed at the end. `etag`: under a key that outlives it. */
export type Purpose = 'fingerprint' | 'etag'

/** The digest of "nothing is there", so that a ledger row can say that absence is known. */
export const ABSENT = 'absent'

/**
 * HMAC-SHA-256 of address, content type, metadata and canonical value, base64url (43 characters). Every part is
 * length-prefixed and the purpose separates the domains, so no two inputs share an encoding. A `KeyObject` rather
 * than a Buffer makes it about five times faster (measured: 7 to 13 us a value).
 */
export function digest(key: KeyObject, purpose: Purpose, address: Address, secret: Secret, shape: Shape): string {
  const hmac = createHmac('sha256', key)
  const part = (bytes: Uint8Array): void => {
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(bytes.byteLength)
    hmac.update(length).update(bytes)
  }
  const text = (s: string): void => part(Buffer.from(s, 'utf8'))
  text(`crossfade/${purpose}/1`)
  text(address.integration)
  text(address.customer)
  text(address.name)
  text(secret.contentType ?? DEFAULT_CONTENT_TYPE)
  const keys = Object.keys(secret.metadata).sort()
  text(String(keys.length))
  for (const name of keys) {
    text(name)
    text(secret.metadata[name] as string)
  }
  part(canonicalValue(secret, shape))
  return hmac.digest('base64url')
}

/** Tells one key from another and nothing else: a digest of a constant, in a domain of its own. */
export const keyCheck = (key: KeyObject, purpose: Purpose): string =>
  createHmac('sha256', key).update(`crossfade/check/${purpose}/1`).digest('base64url').slice(0, 22)

/** The bytes that are compared; a value that is not JSON is compared byte for byte under any shape. */
function canonicalValue(secret: Secret, shape: Shape): Uint8Array {
  const bytes = secret.value.open()
  if (shape === 'bytes') return bytes
  // Strictly: two texts of broken UTF-8 would both be read with U+FFFD, and be equal.
  const text = utf8(bytes)
  const canonical = text === null ? null : canonicalJson(text)
  return canonical === null ? bytes : Buffer.from(canonical, 'utf8')
}
