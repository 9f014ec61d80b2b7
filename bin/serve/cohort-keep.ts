import type { CohortRule } from '../../flags/cohorts.ts'
import type { CohortRecords, StoredCohort } from '../../ledger/postgres/cohorts.ts'
import { assertCovered } from './configured.ts'
import type { FlagParts } from './flags.ts'

/*
 * The ledger keeps the rules of the cohorts that ran last, so that a process that starts with others is judged as a reload is:
 * by who would leave a cap.
 */
export interface CohortKeep {
  /** Throws `cohort-capped` where the rules of this process would take somebody out of a cap that holds. */
  judge(): Promise<void>
  /** The same of rules that would take the place of those that run. */
  judgeNext(rules: readonly CohortRule[]): void
  /** From now on these are what others are judged by. */
  keep(): Promise<void>
}

export function makeCohortKeep(flags: Pick<FlagParts, 'cohorts' | 'storedCaps'>, records: CohortRecords): CohortKeep {
  const judgeAll = (before: readonly CohortRule[], after: readonly CohortRule[]): void =>
    assertCovered(flags.storedCaps.list(), before, after)
  return {
    judge: async () => {
      const kept = await records.load()
      judgeAll(kept === null ? flags.cohorts.rules() : kept.map(fromStored), flags.cohorts.rules())
    },
    judgeNext: (rules) => judgeAll(flags.cohorts.rules(), rules),
    keep: () => records.save(flags.cohorts.rules().map(toStored)),
  }
}

const toStored = (rule: CohortRule): StoredCohort =>
  rule.kind === 'customers' ? { ...rule, customers: [...rule.customers].sort() } : rule

const fromStored = (stored: StoredCohort): CohortRule =>
  stored.kind === 'customers' ? { ...stored, customers: new Set(stored.customers) } : stored
