import { type Address, addressKey } from '../backends/secret.ts'
import type { Side } from '../core/side.ts'
import type { Debt, IntegrationRow } from './ledger.ts'

/**
 * What a replica remembers of the ledger: which secrets are fresh on one side only, and the state of each integration.
 * Messages come late, twice or in any order; `seq` decides: a debt is kept if it is newer than the entry, a strike
 * removes an entry that is older than itself. A strike leaves nothing behind, because a debt that is older than the
 * strike was durable before it and every load sees its end.
 */
export interface Memory {
  /** The side that holds the latest value, or undefined when nothing says otherwise. */
  debtOf(address: Address): Side | undefined
  debt(debt: Debt): void
  strike(address: Address, seq: number): void
  integration(name: string): IntegrationRow | undefined
  /** Newer rows replace older ones, by epoch. */
  learn(rows: readonly IntegrationRow[]): void
  /** Merges a snapshot by `seq` with what arrived meanwhile. */
  merge(debts: readonly Debt[]): void
  /** Forgets every debt: before a reload, and of an integration that left the ledger. */
  forget(integration?: string): void
  readonly size: number
}

interface Entry {
  readonly address: Address
  readonly fresh: Side
  readonly seq: number
}

export function makeMemory(): Memory {
  const entries = new Map<string, Entry>()
  const integrations = new Map<string, IntegrationRow>()

  const debt = ({ address, fresh, seq }: Debt): void => {
    const key = addressKey(address)
    const entry = entries.get(key)
    if (entry === undefined || entry.seq < seq) entries.set(key, { address, fresh, seq })
  }

  return {
    debtOf: (address) => entries.get(addressKey(address))?.fresh,
    debt,
    strike: (address, seq) => {
      const key = addressKey(address)
      const entry = entries.get(key)
      if (entry !== undefined && entry.seq < seq) entries.delete(key)
    },
    integration: (name) => integrations.get(name),
    learn: (rows) => {
      for (const row of rows) {
        const known = integrations.get(row.integration)
        if (known === undefined || known.epoch < row.epoch) integrations.set(row.integration, row)
      }
    },
    merge: (debts) => {
      for (const d of debts) debt(d)
    },
    forget: (integration) => {
      if (integration === undefined) return entries.clear()
      for (const [key, entry] of entries) if (entry.address.integration === integration) entries.delete(key)
    },
    get size() {
      return entries.size
    },
  }
}
