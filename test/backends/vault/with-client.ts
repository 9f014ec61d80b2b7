import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import { makeBackendsMetrics } from '../../../backends/metrics.ts'
import type { VaultClient } from '../../../backends/vault/client.ts'
import { vaultSchema } from '../../../backends/vault/config.ts'
import { openVaultClient } from '../../../backends/vault/open.ts'
import type { VaultOutcome } from '../../../backends/vault/request.ts'
import { type Clock, systemClock } from '../../../core/clock.ts'
import { secretFile } from '../subjects.ts'

export interface OpenedClient {
  readonly client: VaultClient
  /** The sum of a metric over the series that have these labels. */
  readonly count: (metric: string, labels?: Readonly<Record<string, string>>) => Promise<number>
}

/** A client of the section, closed after the test; `mount`: what its token is for. */
export function openClient(t: TestContext, section: object, clock: Clock = systemClock, mount?: string): OpenedClient {
  const registry = new Registry()
  const deps = { name: 'vaulted', clock, metrics: makeBackendsMetrics(registry) }
  const client = openVaultClient({ ...vaultSchema.parse(section), ...(mount !== undefined && { mount }) }, deps)
  t.after(() => client.close())
  const count: OpenedClient['count'] = async (metric, labels = {}) => {
    const { values } = (await registry.getSingleMetric(metric)?.get()) ?? { values: [] }
    const wanted = values.filter((each) => Object.entries(labels).every(([name, value]) => each.labels[name] === value))
    return wanted.reduce((sum, { value }) => sum + value, 0)
  }
  return { client, count }
}

export const tokenAuth = async (t: TestContext, token = 'a-token') => ({
  kind: 'token',
  token_file: await secretFile(t, token),
})

/** An outcome in a word or two. */
export function inShort(outcome: VaultOutcome): string {
  if (outcome.kind === 'answer') return `answer ${outcome.status}`
  const { certain, reason } = outcome.failure
  return `${certain ? 'refused' : 'unknown'} ${reason}`
}
