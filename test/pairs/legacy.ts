import type { Address } from '../../backends/secret.ts'

/** A secret as the application that owns the legacy store would read it. */
export interface LegacyRow extends Address {
  readonly value: Uint8Array
  readonly contentType: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** The legacy store itself, behind Crossfade's back. */
export interface Legacy {
  /** Puts secrets there as they were before Crossfade. */
  seed(rows: readonly LegacyRow[]): Promise<void>
  read(): Promise<readonly LegacyRow[]>
  /** Changes the value of one; rejects if it is not there. */
  damage(address: Address): Promise<void>
  close(): Promise<void>
}
