import type { Cap } from '../../flags/caps.ts'
import { uncovered } from '../../flags/cohort-moves.ts'
import type { CohortRule } from '../../flags/cohorts.ts'
import { differences, type Enrolment, finalDifferences } from '../../ledger/enrolment.ts'
import { ledgerFault } from '../../ledger/faults.ts'
import type { IntegrationRow, IntegrationState } from '../../ledger/ledger.ts'
import type { CrossfadeConfig } from '../config/schema.ts'
import { enrolmentOf } from './enrolments.ts'

/*
 * What a configuration would break of what the ledger holds. The same judgement at the start, at a reload, and whenever an
 * integration changes its state.
 */

/** What is known when it is judged. */
export interface View {
  readonly config: Pick<CrossfadeConfig, 'stores' | 'integrations'>
  readonly rows: readonly IntegrationRow[]
  readonly recorded: ReadonlyMap<string, Enrolment>
  /** What a store says that it is; undefined: it was not asked. */
  readonly idOf: (store: string) => string | null | undefined
}

export interface ConfigProblem {
  readonly code: 'integration-left-out' | 'enrolled-otherwise'
  readonly integration: string
  readonly words: string
}

/** Nothing in the ledger speaks of the integration's secrets. */
export const isHeld = (state: IntegrationState): boolean => state !== 'bare' && state !== 'finalized'

/** What the ledger holds and the configuration does not name. */
export const leftOut = ({ config, rows }: Pick<View, 'config' | 'rows'>): readonly IntegrationRow[] =>
  rows.filter(({ integration, state }) => isHeld(state) && !Object.hasOwn(config.integrations, integration))

export function configProblems(view: View): readonly ConfigProblem[] {
  const missing = leftOut(view).map(
    (row): ConfigProblem => ({
      code: 'integration-left-out',
      integration: row.integration,
      words: `${row.integration} (${row.state}): ${renamedTo(view, row.integration)}`,
    }),
  )
  return [...missing, ...view.rows.flatMap((row) => otherwise(view, row))]
}

function otherwise({ config, recorded, idOf }: View, { integration, state }: IntegrationRow): readonly ConfigProblem[] {
  const was = recorded.get(integration)
  if (was === undefined || state === 'bare' || !Object.hasOwn(config.integrations, integration)) return []
  const now = enrolmentOf(config, integration, (store) => idOf(store) ?? null)
  const found = state === 'finalized' ? finalDifferences(now, was) : differences(now, was)
  return found.map(({ words }) => ({ code: 'enrolled-otherwise', integration, words: `${integration}: ${words}` }))
}

/** The verb, with the new name if there is just one that it could be. */
function renamedTo({ config, rows, recorded, idOf }: View, left: string): string {
  const was = recorded.get(left)
  const known = new Set(rows.filter(({ state }) => state !== 'bare').map(({ integration }) => integration))
  const candidates = Object.keys(config.integrations).filter((name) => {
    if (was === undefined || known.has(name)) return false
    const now = enrolmentOf(config, name, (store) => idOf(store) ?? null)
    return differences(now, was).length === 0
  })
  const [only] = candidates
  return only !== undefined && candidates.length === 1
    ? `if it is ${only} now: crossfade integrations rename ${left} ${only}`
    : `a new name: crossfade integrations rename ${left} NEW`
}

/** Throws `cohort-capped` where other rules would take somebody out of a cap. */
export function assertCovered(caps: readonly Cap[], before: readonly CohortRule[], after: readonly CohortRule[]): void {
  const found = uncovered(before, after, caps)
  if (found.length > 0) throw ledgerFault('cohort-capped', found.join('; '))
}

/** One fault for all of them, under the code of the first. */
export const faultOf = (problems: readonly ConfigProblem[]) =>
  ledgerFault(problems[0]?.code ?? 'enrolled-otherwise', problems.map(({ words }) => words).join('; '))
