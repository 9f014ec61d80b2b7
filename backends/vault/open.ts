import type { Clock } from '../../core/clock.ts'
import { makeVaultClient, type VaultClient } from './client.ts'
import type { VaultConfig } from './config.ts'
import { makeLogin } from './logins.ts'
import type { VaultMetrics } from './metrics.ts'
import { makeNodes } from './nodes.ts'

export interface VaultDeps {
  /** The store's name in the configuration. */
  readonly name: string
  readonly clock: Clock
  readonly metrics: { readonly vault: VaultMetrics }
}

/** The client of one section; connects and logs in at its first request. Throws a `Fault` if a certificate cannot be read. */
export function openVaultClient(
  config: VaultConfig,
  { name, clock, metrics: { vault: metrics } }: VaultDeps,
): VaultClient {
  const nodes = makeNodes({
    name,
    addresses: [...new Set([config.address, ...config.addresses])],
    maxConnections: config.max_connections,
    tls: config,
    metrics,
  })
  const login = makeLogin(config.auth)
  return makeVaultClient({ name, nodes, namespace: config.namespace ?? null, login, clock, metrics })
}
