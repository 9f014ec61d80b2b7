import type { Role } from './roles.ts'

/**
 * One operation that is about to happen. Names are allowed, values, tokens and fingerprints never. Written before the
 * operation: an entry means that it was admitted, not that it succeeded.
 */
export interface AuditEntry {
  /** ms since the epoch. */
  readonly at: number
  /** The caller's name of the tokens file, or the part of Crossfade that acts by itself. */
  readonly actor: string
  /** The role by which it may; null for Crossfade itself. */
  readonly role: Role | null
  /** What is done, in one stable word or two: `secrets.read`, `rollback`. */
  readonly operation: string
  readonly integration: string | null
  readonly customer: string | null
  /** The name of the secret; null where the operation is about none or about many. */
  readonly name: string | null
  /** Of the request, so that an entry can be found from a log line and back. */
  readonly request: string | null
  /** The operator's own words, where there are any. */
  readonly reason: string | null
}

/** Where operations are written down before they happen (I10). */
export interface Audit {
  /**
   * Resolves once the entry is written. Rejects with `audit-unavailable` if it is not, or not within the deadline: the
   * caller then must not go on. An entry whose deadline passed may still appear; it names an operation that did not happen.
   */
  append(entry: AuditEntry): Promise<void>
  /** Opens the file anew, for rotation; entries appended before are in the old one. */
  reopen(): Promise<void>
  /** Writes what waits and gives the file back; nothing may be appended after. */
  close(): Promise<void>
}

/** Every sink must have written the entry. */
export const makeAuditToAll = (sinks: readonly Audit[]): Audit => ({
  append: async (entry) => {
    await Promise.all(sinks.map((sink) => sink.append(entry)))
  },
  reopen: async () => {
    await Promise.all(sinks.map((sink) => sink.reopen()))
  },
  close: async () => {
    await Promise.all(sinks.map((sink) => sink.close()))
  },
})

/** One line of an audit file: JSON, time first, no line break inside. */
export const auditLine = ({ at, ...entry }: AuditEntry): string =>
  `${JSON.stringify({ time: new Date(at).toISOString(), ...entry })}\n`
