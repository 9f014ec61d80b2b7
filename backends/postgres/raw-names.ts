/**
 * Names of a database without an encoding, whose bytes need not be text. Bytes that are no UTF-8 are written `\xe9`, and so is
 * a backslash before an x: two names never look alike, a name leads back to its bytes, and since the edge lets no backslash
 * through, nobody can ask for such a name: the inventory puts it aside.
 */
import { utf8 } from '../secret-text.ts'

export function textOfBytes(bytes: Buffer): string {
  const whole = utf8(bytes)
  if (whole !== null && !whole.includes('\\x')) return whole
  const byByte = [...bytes.toString('latin1')].map((char) => {
    const code = char.charCodeAt(0)
    return code >= 0x80 || code === 0x5c ? `\\x${code.toString(16).padStart(2, '0')}` : char
  })
  return byByte.join('')
}

export function bytesOfText(text: string): Buffer {
  if (!text.includes('\\x')) return Buffer.from(text, 'utf8')
  const byByte = text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(byByte, 'latin1')
}
