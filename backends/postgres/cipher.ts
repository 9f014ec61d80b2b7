import type { KeyObject } from 'node:crypto'
import { decrypt, encrypt, TAG_BYTES } from '../gcm.ts'
import type { Address } from '../secret.ts'
import { CIPHER_PARTS, type CipherLayout, type CipherPart } from './config.ts'

/** The old system's own encryption of a value, in the layout that it uses. */
export interface Cipher {
  /** As it lies in a column of bytes, or as text. */
  seal(plain: Uint8Array, address: Address): Buffer | string
  /** Null: not what this key and layout made for this address. */
  open(stored: Buffer | string, address: Address): Buffer | null
}

type Parts = Readonly<Record<CipherPart, Buffer>>
export type TextForm = 'base64' | 'hex'

/** `text`: how bytes are written in the column; null in a column of bytes. */
export function makeCipher(
  key: KeyObject,
  layout: CipherLayout,
  text: TextForm | null,
  random: (bytes: number) => Uint8Array,
): Cipher {
  const { order, nonce_bytes: nonceBytes, separator, prefix } = layout
  const write = (parts: Parts): Buffer | string => {
    const inOrder = order.map((part) => parts[part])
    if (text === null) return Buffer.concat(inOrder)
    if (separator === undefined) return prefix + Buffer.concat(inOrder).toString(text)
    return prefix + inOrder.map((part) => part.toString(text)).join(separator)
  }
  const read = (stored: Buffer | string): Parts | null => {
    if (typeof stored !== 'string') return cut(stored, layout)
    const body = stored.startsWith(prefix) ? stored.slice(prefix.length).trim() : null
    if (body === null || text === null) return null
    if (separator === undefined) {
      const bytes = strictBytes(body, text)
      return bytes && cut(bytes, layout)
    }
    const pieces = body.split(separator).map((piece) => strictBytes(piece, text))
    return pieces.length === order.length && pieces.every((piece) => piece !== null)
      ? (Object.fromEntries(order.map((part, at) => [part, pieces[at]])) as unknown as Parts)
      : null
  }
  return {
    seal: (plain, address) => {
      const nonce = Buffer.from(random(nonceBytes))
      const sealed = encrypt(key, nonce, plain, boundTo(layout, address))
      const end = sealed.byteLength - TAG_BYTES
      return write({ nonce, ciphertext: sealed.subarray(0, end), tag: sealed.subarray(end) })
    },
    open: (stored, address) => {
      const parts = read(stored)
      if (!parts || parts.nonce.byteLength !== nonceBytes || parts.tag.byteLength !== TAG_BYTES) return null
      return decrypt(
        key,
        parts.nonce,
        Buffer.concat([parts.ciphertext, parts.tag]),
        boundTo(layout, address),
        nonceBytes,
      )
    },
  }
}

/** Nonce and tag have their lengths; the ciphertext is what is left between, before or after them. */
function cut(bytes: Buffer, { order, nonce_bytes }: CipherLayout): Parts | null {
  const left = bytes.byteLength - nonce_bytes - TAG_BYTES
  if (left < 0) return null
  const lengths: Readonly<Record<CipherPart, number>> = { nonce: nonce_bytes, tag: TAG_BYTES, ciphertext: left }
  const parts = new Map<CipherPart, Buffer>()
  let at = 0
  for (const part of order) {
    parts.set(part, bytes.subarray(at, at + lengths[part]))
    at += lengths[part]
  }
  return Object.fromEntries(CIPHER_PARTS.map((part) => [part, parts.get(part)])) as Parts
}

/** One pass, so that a name which holds `{customer}` is not filled in again. */
const boundTo = ({ bound }: CipherLayout, address: Address): Buffer =>
  Buffer.from(
    bound.replaceAll(/\{(integration|customer|name)\}/g, (_, part: keyof Address) => address[part]),
    'utf8',
  )

/** Null: not that form. Base64 with or without padding, with the signs of URLs too; line breaks are taken out. */
export function strictBytes(text: string, form: TextForm): Buffer | null {
  const plain = text.replaceAll(/\s/g, '')
  if (form === 'hex') return /^(?:[0-9a-fA-F]{2})*$/.test(plain) ? Buffer.from(plain, 'hex') : null
  const standard = plain.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  const bytes = Buffer.from(standard, 'base64')
  return bytes.toString('base64').replace(/=+$/, '') === standard ? bytes : null
}
