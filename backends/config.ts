import { z } from 'zod'
import { STORE_KINDS } from './registry.ts'

/** One store of the configuration; `kind` says which keys it has. */
export const storeSchema = z.discriminatedUnion('kind', [
  STORE_KINDS.postgres.configSchema,
  STORE_KINDS.sealed.configSchema,
  STORE_KINDS['vault-kv'].configSchema,
  STORE_KINDS.memory.configSchema,
])

/** The section `stores`: by name, as integrations refer to them. */
export const storesSchema = z.record(z.string().regex(/^[a-z][a-z0-9-]*$/, 'expected a lower-case name'), storeSchema)

export type StoreConfig = z.infer<typeof storeSchema>
export type StoresConfig = z.infer<typeof storesSchema>
