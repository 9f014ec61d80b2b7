import type { Database } from './database.ts'

/** One cohort, as plain JSON. */
export type StoredCohort =
  | { readonly name: string; readonly kind: 'customers'; readonly customers: readonly string[] }
  | { readonly name: string; readonly kind: 'pattern'; readonly pattern: string }
  | { readonly name: string; readonly kind: 'rest' }

/** The cohorts that ran last; what a rule means is known elsewhere. */
export interface CohortRecords {
  /** null: none ever ran. */
  load(): Promise<readonly StoredCohort[] | null>
  save(rules: readonly StoredCohort[]): Promise<void>
}

const SAVE = `
  insert into crossfade.cohorts (rules) values ($1::jsonb)
  on conflict (one) do update set rules = excluded.rules where crossfade.cohorts.rules <> excluded.rules`

export const makeCohortRecords = (database: Database): CohortRecords => ({
  load: async () => {
    const [row] = await database.query<{ rules: readonly StoredCohort[] }>(
      'crossfade-cohorts',
      'select rules from crossfade.cohorts',
      [],
    )
    return row?.rules ?? null
  },
  save: async (rules) => {
    await database.query('crossfade-keep-cohorts', SAVE, [JSON.stringify(rules)])
  },
})
