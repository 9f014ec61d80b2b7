import type { RatePoint } from '../../../proxy/ops/rates.ts'
import { Chart, type Line } from '../chart.tsx'
import { Nothing, Table } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'
import { figure, milliseconds, perSecond, timeOf } from '../words.ts'

const SIDES: readonly Line[] = [
  { label: 'legacy', colour: 'legacy', dash: [] },
  { label: 'new', colour: 'new', dash: [8, 4] },
  { label: 'clients', colour: 'clients', dash: [2, 3] },
]
const DIFFERENCES: readonly Line[] = [
  { label: 'comparisons', colour: 'legacy', dash: [] },
  { label: 'mismatches', colour: 'bad', dash: [8, 4] },
]
const FLOWS = ['legacy', 'new', 'clients'] as const

/** How it went in the last quarter of an hour, on the replica that answers. */
export function Rates({ picture }: ScreenProps) {
  const points = picture.rates
  const at = points.map((point) => point.at)
  const of = (pick: (point: RatePoint) => number | null) => points.map(pick)
  const last = points.at(-1)
  return (
    <>
      <p>
        Of the replica that answers this page{selfOf(picture.replicas)}, every five seconds. Those of all replicas
        together are in Prometheus.
      </p>
      <Chart
        title="p99 latency"
        summary={
          last === undefined
            ? 'No figures yet.'
            : FLOWS.map((flow) => `${flow} ${milliseconds(last[flow].p99_seconds)}`).join(', ')
        }
        at={at}
        lines={SIDES}
        values={FLOWS.map((flow) => of((point) => point[flow].p99_seconds))}
        format={milliseconds}
      />
      <Chart
        title="Calls a second"
        summary={
          last === undefined
            ? 'No figures yet.'
            : FLOWS.map((flow) => `${flow} ${perSecond(last[flow].per_second)}`).join(', ')
        }
        at={at}
        lines={SIDES}
        values={FLOWS.map((flow) => of((point) => point[flow].per_second))}
        format={perSecond}
      />
      <Chart
        title="Comparisons and mismatches a second"
        summary={
          last === undefined
            ? 'No figures yet.'
            : `${perSecond(last.mismatches_per_second)} mismatches of ${perSecond(last.comparisons_per_second)} comparisons`
        }
        at={at}
        lines={DIFFERENCES}
        values={[of((point) => point.comparisons_per_second), of((point) => point.mismatches_per_second)]}
        format={perSecond}
      />
      <Table
        name="The same figures, the latest first"
        head={[
          'Time',
          ...FLOWS.flatMap((flow) => [`${flow} calls`, `${flow} failed`, `${flow} p50`, `${flow} p99`]),
          'Comparisons',
          'Mismatches',
        ]}
      >
        {points
          .slice(-12)
          .map((point) => <RateRow key={point.at} point={point} />)
          .reverse()}
        {points.length === 0 ? <Nothing columns={15}>The first figures come after five seconds.</Nothing> : null}
      </Table>
      <h3>Since the replica started</h3>
      <Table
        name="Latencies since the replica started"
        head={['Where', 'Phase', 'Operation', 'Calls', 'p50', 'p99', 'Outcomes']}
      >
        {picture.latencies.map((row) => (
          <tr key={`${row.store} ${row.phase} ${row.operation}`}>
            <th scope="row">{row.store === null ? 'clients' : `${row.store} (${row.side ?? 'unused'})`}</th>
            <td>{row.phase ?? '-'}</td>
            <td>{row.operation}</td>
            <td class="number">{figure(row.count)}</td>
            <td class="number">{milliseconds(row.p50_seconds)}</td>
            <td class="number">{milliseconds(row.p99_seconds)}</td>
            <td>
              {Object.entries(row.outcomes)
                .map(([outcome, n]) => `${outcome} ${figure(n)}`)
                .join(', ')}
            </td>
          </tr>
        ))}
        {picture.latencies.length === 0 ? <Nothing columns={7}>Nothing was called yet.</Nothing> : null}
      </Table>
    </>
  )
}

const selfOf = (replicas: ScreenProps['picture']['replicas']): string => {
  const self = replicas.find((replica) => replica.self)
  return self === undefined ? '' : ` (${self.name})`
}

function RateRow({ point }: { point: RatePoint }) {
  const cells = FLOWS.flatMap((flow) => {
    const { per_second, failed_per_second, p50_seconds, p99_seconds } = point[flow]
    return [perSecond(per_second), perSecond(failed_per_second), milliseconds(p50_seconds), milliseconds(p99_seconds)]
  })
  return (
    <tr>
      <th scope="row">{timeOf(point.at)}</th>
      {[...cells, perSecond(point.comparisons_per_second), perSecond(point.mismatches_per_second)].map(
        (text, column) => (
          <td key={column} class="number">
            {text}
          </td>
        ),
      )}
    </tr>
  )
}
