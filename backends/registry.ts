import type { StoreConfig } from './config.ts'
import type { StoreDeps } from './deps.ts'
import { memoryConfigSchema } from './memory/config.ts'
import { openMemoryStore } from './memory/open.ts'
import { memoryPlace } from './memory/place.ts'
import type { Place } from './place.ts'
import { postgresConfigSchema } from './postgres/config.ts'
import { openPostgresStore } from './postgres/open.ts'
import { postgresPlace } from './postgres/place.ts'
import { sealedConfigSchema } from './sealed/config.ts'
import { openSealedStore } from './sealed/open.ts'
import { sealedPlace } from './sealed/place.ts'
import { vaultKvConfigSchema } from './vault-kv/config.ts'
import { openVaultKvStore } from './vault-kv/open.ts'
import { vaultKvPlace } from './vault-kv/place.ts'

/**
 * One line a store. `make` connects to nothing; it reads the files that its section names, or throws a `Fault`. `place` says
 * where its secrets lie, for as long as the ledger holds an integration of it.
 */
export const STORE_KINDS = {
  memory: { configSchema: memoryConfigSchema, make: openMemoryStore, place: memoryPlace },
  postgres: { configSchema: postgresConfigSchema, make: openPostgresStore, place: postgresPlace },
  sealed: { configSchema: sealedConfigSchema, make: openSealedStore, place: sealedPlace },
  'vault-kv': { configSchema: vaultKvConfigSchema, make: openVaultKvStore, place: vaultKvPlace },
} as const

export type StoreKind = keyof typeof STORE_KINDS
export type { StoreDeps }

/** The union of sections and the table of kinds have the same keys; the compiler cannot follow one into the other. */
export const placeOf = (config: StoreConfig): Place =>
  (STORE_KINDS[config.kind] as { place: (config: StoreConfig) => Place }).place(config)
