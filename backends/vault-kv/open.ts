import type { StoreDeps } from '../deps.ts'
import type { Store } from '../store.ts'
import { openVaultClient } from '../vault/open.ts'
import type { VaultKvConfig } from './config.ts'
import { makeVaultKvStore } from './vault-kv.ts'

/** Builds the store of one section; connects and logs in at its first request. */
export const openVaultKvStore = (config: VaultKvConfig, deps: StoreDeps): Store =>
  makeVaultKvStore({
    ...{ name: deps.name, config, clock: deps.clock, integrations: deps.integrations ?? [] },
    client: openVaultClient(config, deps),
  })
