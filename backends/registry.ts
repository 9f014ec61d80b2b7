import type { StoreDeps } from './deps.ts'
import { memoryConfigSchema } from './memory/config.ts'
import { openMemoryStore } from './memory/open.ts'
import { postgresConfigSchema } from './postgres/config.ts'
import { openPostgresStore } from './postgres/open.ts'
import { sealedConfigSchema } from './sealed/config.ts'
import { openSealedStore } from './sealed/open.ts'
import { vaultKvConfigSchema } from './vault-kv/config.ts'
import { openVaultKvStore } from './vault-kv/open.ts'

/** One line a store. `make` connects to nothing; it reads the files that its section names, or throws a `Fault`. */
export const STORE_KINDS = {
  memory: { configSchema: memoryConfigSchema, make: openMemoryStore },
  postgres: { configSchema: postgresConfigSchema, make: openPostgresStore },
  sealed: { configSchema: sealedConfigSchema, make: openSealedStore },
  'vault-kv': { configSchema: vaultKvConfigSchema, make: openVaultKvStore },
} as const

export type StoreKind = keyof typeof STORE_KINDS
export type { StoreDeps }
