import { addressKey } from '../../backends/secret.ts'
import type { SecretsClient } from '../../bin/cli/secrets-client.ts'
import type { LegacyRow } from '../pairs/legacy.ts'
import { readChecked, type World } from './client.ts'
import { contentOf } from './content.ts'
import type { Expectations } from './expectations.ts'
import type { Findings } from './findings.ts'

type Checked = Pick<World, 'client' | 'expectations' | 'etags' | 'findings'>

/** Every secret that there is, or ever was, through the proxy. */
export async function checkThroughProxy(world: Checked, readers: number, signal: AbortSignal): Promise<void> {
  const left = [...world.expectations.addresses()]
  const reader = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      signal.throwIfAborted()
      await readChecked(world, next, 'proxy')
    }
  }
  await Promise.all(Array.from({ length: readers }, reader))
}

/** Every secret in the legacy store, and every one that has none there. */
export function checkLegacy(rows: readonly LegacyRow[], expectations: Expectations, findings: Findings): void {
  const contents = new Map(rows.map((row) => [addressKey(row), contentOf(row)]))
  // A row of an address that nobody ever wrote is judged as well.
  for (const address of [...expectations.addresses(), ...rows]) {
    findings.add(address, expectations.read(address)([contents.get(addressKey(address)) ?? null]), 'legacy')
  }
}

/** The listings of these customers: every secret that is there, none that was deleted. */
export async function checkListings(
  client: SecretsClient,
  expectations: Expectations,
  findings: Findings,
  customers: number,
): Promise<void> {
  const groups = Map.groupBy(expectations.addresses(), ({ integration, customer }) => `${integration}\0${customer}`)
  const largest = [...groups.values()].sort((a, b) => b.length - a.length).slice(0, customers)
  for (const [first, ...others] of largest) {
    if (first === undefined) continue
    const listed = await listAll(client, first.integration, first.customer)
    for (const address of [first, ...others]) {
      const isListed = listed.has(address.name)
      if (isListed && expectations.isAbsent(address)) findings.add(address, 'resurrected', 'listing')
      if (!isListed && expectations.isPresent(address)) findings.add(address, 'lost', 'listing')
    }
  }
}

async function listAll(client: SecretsClient, integration: string, customer: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  let after: string | null | undefined
  while (after !== null) {
    const page = await client.list(integration, customer, { limit: 100, ...(after === undefined ? {} : { after }) })
    for (const { name } of page.entries) names.add(name)
    after = page.next
  }
  return names
}
