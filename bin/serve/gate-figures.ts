import type { Cohorts } from '../../flags/cohorts.ts'
import type { GateFigures } from '../../flags/gates.ts'
import type { IntegrationFigures } from '../../ledger/postgres/gate-figures.ts'

/** The ledger knows customers, the configuration knows which cohort each is in. */
export function figuresByCohort(
  { customers, comparisons, inventoried, fullVerify, bypass }: IntegrationFigures,
  cohorts: Cohorts,
): ReadonlyMap<string, GateFigures> {
  const members = Map.groupBy(customers, ({ customer }) => cohorts.of(customer))
  return new Map(
    cohorts.names.map((cohort) => {
      const own = members.get(cohort) ?? []
      const sum = (pick: (one: (typeof own)[number]) => number): number => own.reduce((all, one) => all + pick(one), 0)
      const figures: GateFigures = {
        secrets: sum(({ secrets }) => secrets),
        copied: sum(({ copied }) => copied),
        verified: sum(({ verified }) => verified),
        quarantined: sum(({ quarantined }) => quarantined),
        debts: sum(({ debts }) => debts),
        mismatches: sum(({ mismatches }) => mismatches),
        comparisons: comparisons.get(cohort) ?? 0,
        inventoried,
        fullVerify,
        bypassed: bypass.secrets,
        bypassSeenAt: bypass.lastSeen,
      }
      return [cohort, figures]
    }),
  )
}
