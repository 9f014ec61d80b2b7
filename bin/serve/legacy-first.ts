import type { Cohorts } from '../../flags/cohorts.ts'
import type { Outlook } from '../../flags/outlook.ts'
import { type Phase, PLANS } from '../../flags/phase.ts'

/*
 * Whom legacy answers, unless only new holds the latest write. Of most cohorts that is everybody or nobody, and then the cohort
 * of a customer says it; only where a flag asks several phases of one cohort each customer's own phase is asked for.
 */
export interface LegacyFirst {
  /** Cohorts in which that is anybody. */
  readonly cohorts: ReadonlySet<string>
  has(customer: string): boolean
}

export interface LegacyFirstParts {
  readonly outlook: (integration: string) => readonly Pick<Outlook, 'cohort' | 'asks' | 'pin' | 'runs'>[]
  readonly cohorts: Pick<Cohorts, 'of'>
  readonly phaseOf: (integration: string, customer: string) => Phase
}

export const makeLegacyFirst =
  ({ outlook, cohorts, phaseOf }: LegacyFirstParts) =>
  (integration: string): LegacyFirst => {
    const shares = new Map(outlook(integration).map((cohort) => [cohort.cohort, shareOf(cohort)]))
    return {
      cohorts: new Set([...shares].flatMap(([cohort, share]) => (share === 'nobody' ? [] : [cohort]))),
      has: (customer) => {
        const share = shares.get(cohorts.of(customer)) ?? 'nobody'
        return share === 'some' ? readsLegacy(phaseOf(integration, customer)) : share === 'all'
      },
    }
  }

const readsLegacy = (phase: Phase): boolean => PLANS[phase].read === 'legacy'

/** `runs` is the highest phase in a cohort: behind it may be whom a later step asks for less, or no step asks for anything. */
function shareOf({ asks, pin, runs }: Pick<Outlook, 'asks' | 'pin' | 'runs'>): 'all' | 'some' | 'nobody' {
  if (readsLegacy(runs)) return 'all'
  const isWhole = asks.some(({ percent, some }) => percent >= 100 && !some)
  return pin !== null || (isWhole && !asks.some(({ phase }) => readsLegacy(phase))) ? 'nobody' : 'some'
}
