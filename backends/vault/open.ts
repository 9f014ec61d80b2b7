import type { Clock } from '../../core/clock.ts'
import type { BackendsMetrics } from '../metrics.ts'
import { makeVaultClient, type VaultClient } from './client.ts'
import type { VaultConfig } from './config.ts'
import { makeLogin } from './logins.ts'
import { makeNodes } from './nodes.ts'

export interface VaultDeps {
  /** The store's name in the configuration. */
  readonly name: string
  readonly clock: Clock
  readonly metrics: Pick<BackendsMetrics, 'vault' | 'watchConnections'>
}

/** The client of one section; connects and logs in at its first request. Throws a `Fault` if a certificate cannot be read. */
export function openVaultClient(
  config: VaultConfig & { readonly mount?: string },
  { name, clock, metrics: { vault: metrics, watchConnections } }: VaultDeps,
): VaultClient {
  const nodes = makeNodes({
    name,
    addresses: [...new Set([config.address, ...config.addresses])],
    maxConnections: config.max_connections,
    tls: config,
    metrics,
  })
  watchConnections(name, 'vault', nodes.connections)
  const mount = config.mount ?? null
  const login = makeLogin(config.auth, mount)
  return makeVaultClient({ name, nodes, namespace: config.namespace ?? null, login, mount, clock, metrics })
}
