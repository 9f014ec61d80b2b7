import type { GuardStatus } from '../../proxy/ops/status.ts'
import type { Engine } from '../serve/engine.ts'

/** What the guard of this replica sees of one integration; null: it is off. */
export function guardStatus({ guard }: Engine, integration: string): GuardStatus | null {
  const budgets = guard.budgets(integration)
  if (budgets === null) return null
  const watched = guard.guard.watched().filter((one) => one.integration === integration)
  return {
    cap_to: budgets.cap_to,
    window_seconds: budgets.window / 1000,
    shared: guard.isShared(),
    cohorts: watched.map(({ cohort, figures, used }) => ({
      cohort,
      calls: figures.new.calls,
      errors: figures.new.errors,
      legacy_calls: figures.legacy.calls,
      legacy_errors: figures.legacy.errors,
      mismatches: figures.mismatches.length,
      used: { ...used },
    })),
  }
}
