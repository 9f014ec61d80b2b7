import { useState } from 'preact/hooks'
import type { Counts } from '../../../proxy/ops/status.ts'
import { Chart, type Line } from '../chart.tsx'
import { Field, Nothing, Table } from '../parts.tsx'
import type { LeftPoint } from '../picture.ts'
import type { ScreenProps } from '../screens.tsx'
import { figure, plural, timeOf } from '../words.ts'

const LINES: readonly Line[] = [{ label: 'left to copy', colour: 'new', dash: [] }]

/** How much is left to copy, and how it went since the page was opened. */
export function Burndown({ picture }: ScreenProps) {
  const [chosen, setChosen] = useState('')
  const rows = [...picture.integrations.values()]
  const counted = rows.filter((row) => row.counts !== null)
  const points = picture.left.map(({ at, left }) => ({ at, left: leftOf(left, chosen) }))
  const now = points.at(-1)?.left ?? 0
  return (
    <>
      <Field label="Integration">
        <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
          <option value="">All that are enrolled</option>
          {counted.map(({ integration }) => (
            <option key={integration}>{integration}</option>
          ))}
        </select>
      </Field>
      <div class="beside">
        <Chart
          title="Secrets left to copy, since this page was opened"
          summary={`${plural(now, 'secret')} left to copy.`}
          at={points.map(({ at }) => at)}
          lines={LINES}
          values={[points.map(({ left }) => left)]}
          format={figure}
        />
        <Table name="Left to copy, the latest first" head={['Time', 'Left']}>
          {points
            .slice(-8)
            .map(({ at, left }) => (
              <tr key={at}>
                <td>{timeOf(at)}</td>
                <td class="number">{figure(left)}</td>
              </tr>
            ))
            .reverse()}
        </Table>
      </div>
      <Table
        name="How far each integration is"
        head={['Integration', 'Owner', 'State', 'Found', 'Copied', 'Verified', 'Left', 'Quarantined', 'Done']}
      >
        {rows.map(({ integration, owner, state, counts }) => (
          <tr key={integration}>
            <th scope="row">{integration}</th>
            <td>{owner ?? '-'}</td>
            <td>{state}</td>
            {counts === null ? (
              <td colSpan={6} class="quiet">
                nothing is counted yet
              </td>
            ) : (
              <Progress counts={counts} name={integration} />
            )}
          </tr>
        ))}
        {rows.length === 0 ? <Nothing columns={9}>Nothing was heard yet.</Nothing> : null}
      </Table>
    </>
  )
}

const leftOf = (left: LeftPoint['left'], chosen: string): number =>
  chosen === '' ? Object.values(left).reduce((all, n) => all + n, 0) : (left[chosen] ?? 0)

function Progress({ counts, name }: { counts: Counts; name: string }) {
  const { discovered, copied, verified, left, quarantined } = counts
  return (
    <>
      {[discovered, copied, verified, left, quarantined].map((n, column) => (
        <td key={column} class="number">
          {figure(n)}
        </td>
      ))}
      <td>
        <progress aria-label={`Copied of ${name}`} max={Math.max(1, discovered)} value={Math.min(copied, discovered)} />
      </td>
    </>
  )
}
