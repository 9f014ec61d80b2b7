import { Nothing, Table } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'
import { figure, plural, stillNewOf, stillNewWords } from '../words.ts'

/** What one side owes the other, and what new still answers after the way back because only it holds the latest write. */
export function Debts({ picture }: ScreenProps) {
  const rows = [...picture.integrations.values()].map((row) => ({ ...row, still: stillNewOf(row) }))
  const of = (integration: string, fresh: string): number =>
    picture.debts.find((debt) => debt.integration === integration && debt.fresh === fresh)?.debts ?? 0
  const owing = rows.filter(
    ({ integration, still, counts }) =>
      picture.debts.some((debt) => debt.integration === integration) ||
      still !== null ||
      (counts?.quarantined ?? 0) > 0,
  )
  const all = picture.debts.reduce((sum, { debts }) => sum + debts, 0)
  return (
    <>
      <p>{plural(all, 'debt')}; each is settled in the background.</p>
      <Table
        name="Debts by integration"
        head={['Integration', 'New owes', 'Legacy owes', 'Quarantined', 'Still answered by new']}
      >
        {owing.map(({ integration, counts, still }) => (
          <tr key={integration}>
            <th scope="row">{integration}</th>
            <td class="number">{figure(of(integration, 'legacy'))}</td>
            <td class="number">{figure(of(integration, 'new'))}</td>
            <td class="number">{counts === null ? '-' : figure(counts.quarantined)}</td>
            <td>{still === null ? '-' : stillNewWords(still)}</td>
          </tr>
        ))}
        {owing.length === 0 ? <Nothing columns={5}>Nobody owes anything.</Nothing> : null}
      </Table>
    </>
  )
}
