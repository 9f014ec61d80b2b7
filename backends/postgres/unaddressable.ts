import { failedAs } from '../failure.ts'
import type { Database } from '../sql/database.ts'
import type { Store, UnaddressableOutcome } from '../store.ts'
import type { Preparing } from './ready.ts'

type Counted = Readonly<Record<'no_integration' | 'spelled' | 'no_customer' | 'no_name', number>>

const WHY: Readonly<Record<keyof Counted, string>> = {
  no_integration: 'have no integration',
  spelled: 'have an integration that is spelled in another way',
  no_customer: 'have no customer',
  no_name: 'have no name',
}

const NONE: UnaddressableOutcome = { kind: 'counted', counts: [] }

export function makeUnaddressable(
  database: Database,
  { prepare, heard }: Preparing,
): NonNullable<Store['unaddressable']> {
  return async (integration, call) => {
    const ready = await prepare(call)
    if (ready.kind === 'failed') return failedAs(ready.failure)
    const { unaddressable, mapping } = ready
    const { integration: held } = mapping.config.columns
    const isElsewhere = typeof held !== 'string' && held.constant !== integration
    if (unaddressable === null || isElsewhere) return NONE
    const answer = await database.ask<Counted>(unaddressable, [integration], call)
    if (answer.kind === 'failed') {
      heard(answer.failure)
      return failedAs(answer.failure)
    }
    const [row] = answer.rows
    const reasons = Object.keys(WHY) as (keyof Counted)[]
    const counts = reasons.map((reason) => ({ why: WHY[reason], count: row?.[reason] ?? 0 }))
    return { kind: 'counted', counts: counts.filter(({ count }) => count > 0) }
  }
}
