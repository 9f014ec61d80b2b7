import { Counter, Histogram, type Registry } from 'prom-client'

/** What the clients of Vault and OpenBao measure. `store` is the name in the configuration. */
export const makeVaultMetrics = (registry: Registry) => ({
  requests: new Counter({
    name: 'crossfade_vault_requests_total',
    help: 'Requests to a Vault or OpenBao server, by the status of the answer, or why there was none.',
    labelNames: ['store', 'outcome'],
    registers: [registry],
  }),
  redirects: new Counter({
    name: 'crossfade_vault_redirects_total',
    help: 'Redirects that a server answered with: followed to a configured address, or refused.',
    labelNames: ['store', 'outcome'],
    registers: [registry],
  }),
  connects: new Counter({
    name: 'crossfade_vault_connects_total',
    help: 'Connections that were made, each with its TLS handshake; it hardly grows where connections are kept alive.',
    labelNames: ['store'],
    registers: [registry],
  }),
  logins: new Counter({
    name: 'crossfade_vault_logins_total',
    help: 'Logins, renewals and look-ups of the own token, by step and outcome.',
    labelNames: ['store', 'step', 'outcome'],
    registers: [registry],
  }),
  loginLatency: new Histogram({
    name: 'crossfade_vault_login_seconds',
    help: 'Time that a login, a renewal or a look-up of the own token took.',
    labelNames: ['store', 'step'],
    buckets: [0.0025, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10],
    registers: [registry],
  }),
})

export type VaultMetrics = ReturnType<typeof makeVaultMetrics>
