import { createCipheriv, createHash } from 'node:crypto'

/** Repeatable randomness: the same seed gives the same sequence on every machine. */
export interface Random {
  bytes(length: number): Buffer
  /** A whole number from 0 to `limit - 1`; `limit` is at most 2^32. */
  below(limit: number): number
  pick<T>(list: readonly T[]): T
  /** True in `percent` of 100 calls. */
  chance(percent: number): boolean
  /** `length` characters of `alphabet`. */
  text(alphabet: string, length: number): string
}

const BLOCK = Buffer.alloc(64 * 1024)

/** The key stream of AES-256-CTR under the hash of the seed: fast, and equal everywhere. */
export const makeRandom = (seed: string): Random => {
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16))
  let pool = Buffer.alloc(0)

  const bytes = (length: number): Buffer => {
    while (pool.length < length) pool = Buffer.concat([pool, cipher.update(BLOCK)])
    const taken = Buffer.from(pool.subarray(0, length))
    pool = pool.subarray(length)
    return taken
  }
  const below = (limit: number): number => bytes(4).readUInt32BE(0) % limit
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T
  const text = (alphabet: string, length: number): string =>
    Array.from(bytes(length), (byte) => alphabet[byte % alphabet.length]).join('')

  return { bytes, below, pick, chance: (percent) => below(100) < percent, text }
}
