import { useState } from 'preact/hooks'
import type { MismatchRow } from '../../../proxy/ops/work.ts'
import { Field, Nothing, Table } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'
import { plural, timeOf } from '../words.ts'

/** Stable differences: which, when, between which versions. The values themselves are nowhere in this page. */
export function Mismatches({ picture }: ScreenProps) {
  const [search, setSearch] = useState('')
  const [kind, setKind] = useState('')
  const kinds = [...new Set(picture.mismatches.map((row) => row.class))].sort()
  const shown = picture.mismatches.filter(
    (row) =>
      `${row.integration} ${row.customer} ${row.name}`.includes(search.trim()) && (kind === '' || row.class === kind),
  )
  const open = [...picture.integrations.values()].filter((row) => row.open_mismatches > 0)
  return (
    <>
      <Table name="Open mismatches by integration" head={['Integration', 'Open', 'By class, of the newest']}>
        {open.map(({ integration, open_mismatches }) => (
          <tr key={integration}>
            <th scope="row">{integration}</th>
            <td class="number">{open_mismatches}</td>
            <td>{byClass(picture.mismatches.filter((row) => row.integration === integration))}</td>
          </tr>
        ))}
        {open.length === 0 ? <Nothing columns={3}>Nothing differs.</Nothing> : null}
      </Table>
      <search class="filters">
        <Field label="Search">
          <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </Field>
        <Field label="Class">
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">Every class</option>
            {kinds.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
      </search>
      <p role="status">{plural(shown.length, 'mismatch', 'mismatches')} shown; the newest hundred are told.</p>
      <Table
        name="Open mismatches, the newest first"
        head={[
          'When',
          'Class',
          'Integration',
          'Customer',
          'Name',
          'Version on legacy',
          'Version on new',
          'Fingerprints',
        ]}
      >
        {shown.map((row) => (
          <tr key={row.id}>
            <td>{timeOf(row.at)}</td>
            <th scope="row">{row.class}</th>
            <td>{row.integration}</td>
            <td>{row.customer}</td>
            <td>{row.name}</td>
            <td>{row.legacy_version ?? '-'}</td>
            <td>{row.new_version ?? '-'}</td>
            <td>
              legacy <Fingerprint text={row.legacy_fingerprint} />, new <Fingerprint text={row.new_fingerprint} />
            </td>
          </tr>
        ))}
        {shown.length === 0 ? <Nothing columns={8}>No mismatch is like this.</Nothing> : null}
      </Table>
    </>
  )
}

const byClass = (rows: readonly MismatchRow[]): string =>
  Object.entries(Object.groupBy(rows, (row) => row.class))
    .map(([name, of]) => `${name} ${of?.length ?? 0}`)
    .join(', ')

/** A keyed digest: enough of it to see whether two are the same. */
const Fingerprint = ({ text }: { text: string | null }) => <code>{text === null ? 'none' : text.slice(0, 12)}</code>
