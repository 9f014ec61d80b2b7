import { createSecretKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { backendFault } from './faults.ts'

/** The text of a `*_file` option without the newline that editors add. Only names, never content, in an error. */
export function readSecretFile(path: string): string {
  return readFile(path)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/**
 * The text as it is at each call, so that a rotated one is used by the next connection; the last one while the file cannot be
 * read. Throws at once if it cannot be read now.
 */
export function followSecretFile(path: string): () => string {
  let last = readSecretFile(path)
  return () => {
    try {
      last = readSecretFile(path)
    } catch {
      // It may be being replaced.
    }
    return last
  }
}

/** A key of 32 bytes: raw, or in hex or base64 as text. */
export function readKeyFile(path: string): KeyObject {
  const raw = readFile(path)
  if (raw.byteLength === 32) return createSecretKey(raw)
  const text = raw.toString('latin1').trim()
  if (/^[0-9a-fA-F]{64}$/.test(text)) return createSecretKey(Buffer.from(text, 'hex'))
  if (/^[A-Za-z0-9+/]{43}=?$/.test(text)) return createSecretKey(Buffer.from(text, 'base64'))
  throw backendFault('store-file-unreadable', `${path} must hold 32 bytes, raw or as hex or base64`)
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw backendFault('store-file-unreadable', `${path}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`)
  }
}
