import type { Side } from '../../core/side.ts'
import type { Database } from './database.ts'

interface NameRow {
  readonly name: string
  readonly fresh: 'both' | Side
  readonly listed: 'yes' | 'unsure'
}

// While an operation is open, and after one of which nobody recorded the end, the fresh side is asked: `current` is of
// before. What only new holds, and nobody wrote or copied there, is not served, so it is not listed.
const NAMES = `
  select name, fresh, listed from (select name, fresh,
    case
      when ops <> '{}' then 'unsure'
      when current = 'absent' then 'no'
      when current is null and quarantine is not null and (quarantine <> 'foreign' or loose) then 'unsure'
      when current is null and quarantine = 'foreign' then 'no'
      when fresh = 'both' then case when deleted then 'no' else 'yes' end
      when gone and current is null then 'unsure'
      else 'yes'
    end as listed
  from crossfade.secret
  where integration = $1 and customer = $2 and ($3::text is null or name > $3)) judged
  where listed <> 'no' order by name limit $4`

const KNOWN = `
  select name from crossfade.secret where integration = $1 and customer = $2 and name = any ($3::text[])`

export const makeNames = (database: Database) => ({
  names: (integration: string, customer: string, page: { readonly after: string | null; readonly limit: number }) =>
    database.query<NameRow>('crossfade-names', NAMES, [integration, customer, page.after, page.limit]),
  known: async (integration: string, customer: string, names: readonly string[]) => {
    const rows = await database.query<{ name: string }>('crossfade-names-known', KNOWN, [integration, customer, names])
    return new Set(rows.map(({ name }) => name))
  },
})
