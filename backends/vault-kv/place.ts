import { LIMIT_KEYS } from '../limits.ts'
import { type Place, without } from '../place.ts'
import { VAULT_KEYS } from '../vault/config.ts'
import type { VaultKvConfig } from './config.ts'

export const vaultKvPlace = (config: VaultKvConfig): Place => ({
  where: { namespace: config.namespace ?? null, mount: config.mount, path: config.path },
  shown: `mount ${config.mount}, path ${config.path}`,
  mapping: without(config, [...VAULT_KEYS, ...LIMIT_KEYS, 'kind', 'mount', 'path', 'expiring_tokens', 'max_strings']),
})
