import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

/** AES-256-GCM with a nonce of 12 bytes, unless an old system has another, and the tag of 16 bytes at the end of the ciphertext. */
export const NONCE_BYTES = 12
export const TAG_BYTES = 16
const ALGORITHM = 'aes-256-gcm'

export function encrypt(key: KeyObject, nonce: Uint8Array, plain: Uint8Array, bound: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(bound)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The plaintext, or null if key, nonce, ciphertext or what it is bound to are not those it was made with. */
export function decrypt(
  key: KeyObject,
  nonce: Uint8Array,
  sealed: Uint8Array,
  bound: Uint8Array,
  nonceBytes = NONCE_BYTES,
): Buffer | null {
  if (nonce.byteLength !== nonceBytes || sealed.byteLength < TAG_BYTES) return null
  const end = sealed.byteLength - TAG_BYTES
  try {
    const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound)
    decipher.setAuthTag(sealed.subarray(end))
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
  } catch {
    return null
  }
}
