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

/** A million debts fit: an entry is a text of its address and a number, `seq` and the side in its lowest bit. */
type Entries = Map<string, number>

const isNew = (entry: number): boolean => entry % 2 === 1
const seqOf = (entry: number): number => Math.floor(entry / 2)

export function makeMemory(): Memory {
  const entries = new Map<string, Entries>()
  const integrations = new Map<string, IntegrationRow>()

  const debt = ({ address, fresh, seq }: Debt): void => {
    const ours = entries.get(address.integration) ?? new Map()
    const key = addressKey(address)
    const entry = ours.get(key)
    if (entry !== undefined && seqOf(entry) >= seq) return
    ours.set(key, seq * 2 + (fresh === 'new' ? 1 : 0))
    entries.set(address.integration, ours)
  }

  return {
    debtOf: (address) => {
      const entry = entries.get(address.integration)?.get(addressKey(address))
      return entry === undefined ? undefined : isNew(entry) ? 'new' : 'legacy'
    },
    debt,
    strike: (address, seq) => {
      const ours = entries.get(address.integration)
      const key = addressKey(address)
      const entry = ours?.get(key)
      if (entry !== undefined && seqOf(entry) < seq) ours?.delete(key)
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
      if (integration === undefined) entries.clear()
      else entries.delete(integration)
    },
    get size() {
      return [...entries.values()].reduce((sum, { size }) => sum + size, 0)
    },
  }
}
