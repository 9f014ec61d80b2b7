import { addCounts } from '../../ledger/postgres/progress.ts'
import type { HISTORY_BY } from '../../proxy/ops/history.ts'
import type { Counts, IntegrationStatus } from '../../proxy/ops/status.ts'

/** By what `status` and `history` add up. */
export type GroupBy = (typeof HISTORY_BY)[number]

/** Counts of everything that shares an integration, an owner or a cohort. */
export interface CountGroup {
  readonly key: string
  /** How many of them the ledger counts. */
  readonly integrations: number
  readonly counts: Counts
}

export const COLUMNS = [
  ['discovered', 'DISCOVERED'],
  ['copied', 'COPIED'],
  ['verified', 'VERIFIED'],
  ['left', 'LEFT'],
  ['owing', 'OWING'],
  ['mismatched', 'MISMATCHED'],
  ['quarantined', 'QUARANTINED'],
  ['tombstones', 'TOMBSTONES'],
  ['arrived', 'ARRIVED'],
] as const satisfies readonly (readonly [keyof Counts, string])[]

/** Integrations that are not enrolled have no counts, and are left out. */
export const groupCounts = (integrations: readonly IntegrationStatus[], by: GroupBy): readonly CountGroup[] => {
  const groups = Map.groupBy(
    integrations.flatMap((one) => parts(one, by)),
    ({ key }) => key,
  )
  return [...groups].map(([key, members]) => ({
    key,
    integrations: new Set(members.map(({ integration }) => integration)).size,
    counts: members.map(({ counts }) => counts).reduce(addCounts),
  }))
}

interface Part {
  readonly key: string
  readonly integration: string
  readonly counts: Counts
}

function parts({ integration, owner, counts, cohorts }: IntegrationStatus, by: GroupBy): readonly Part[] {
  if (counts === null) return []
  if (by !== 'cohort') return [{ key: by === 'owner' ? (owner ?? '-') : integration, integration, counts }]
  return cohorts.flatMap(({ cohort, counts: own }) => (own === null ? [] : [{ key: cohort, integration, counts: own }]))
}
