import type { Address } from '../../backends/secret.ts'
import type { Cohorts } from '../../flags/cohorts.ts'
import type { Compared, GateRecords } from '../../ledger/postgres/gate-records.ts'

/*
 * Comparisons are counted in memory and added to the ledger's counts at each refresh, so that gates count those of every
 * replica, also after a restart. What a process that is killed, or a ledger that is away, does not add is lost: fewer, never more.
 */
export interface Comparisons {
  count(address: Address): void
  /** Never rejects. */
  flush(): Promise<void>
}

export function makeComparisons(records: Pick<GateRecords, 'compared'>, cohorts: Cohorts): Comparisons {
  let counts = new Map<string, Compared>()
  const add = ({ integration, cohort, n }: Compared): void => {
    const key = JSON.stringify([integration, cohort])
    counts.set(key, { integration, cohort, n: n + (counts.get(key)?.n ?? 0) })
  }
  return {
    count: ({ integration, customer }) => add({ integration, cohort: cohorts.of(customer), n: 1 }),
    flush: async () => {
      if (counts.size === 0) return
      const now = [...counts.values()]
      counts = new Map()
      await records.compared(now).catch(() => undefined)
    },
  }
}
