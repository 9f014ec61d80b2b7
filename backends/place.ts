import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'

/**
 * Where the secrets of a store lie and how they are mapped, whatever way leads there: what may not change under an
 * integration that the ledger holds. Host, port, user and credentials are no part of it: a database may move.
 */
export interface Place {
  /** What addresses the data below its server. */
  readonly where: Readonly<Record<string, unknown>>
  /** The same for people. */
  readonly shown: string
  /** How a secret lies there, by key of the section. */
  readonly mapping: Readonly<Record<string, unknown>>
}

/** Equal for what is equal, whatever the order of its keys. */
export const shortDigest = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalJson(JSON.stringify(value)) ?? '')
    .digest('base64url')
    .slice(0, 16)

/** A section without some of its keys. */
export const without = (section: object, keys: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(section).filter(([key]) => !keys.includes(key)))
