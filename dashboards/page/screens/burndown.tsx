import { useEffect, useState } from 'preact/hooks'
import type { History } from '../../../proxy/ops/history.ts'
import type { LiveIntegration } from '../../../proxy/ops/live-messages.ts'
import type { Counts } from '../../../proxy/ops/status.ts'
import { call, type Problem } from '../api.ts'
import { type LeftPoint, leftOf, secondsLeft } from '../burndown.ts'
import { Chart, type Line } from '../chart.tsx'
import { Field, Nothing, ProblemBox, Table, usePaged } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'
import { figure, plural, timeOf } from '../words.ts'

const LINES: readonly Line[] = [
  { label: 'to copy', colour: 'new', dash: [] },
  { label: 'to verify', colour: 'legacy', dash: [8, 4] },
]
const RANGES = { 'an hour': 1, 'a day': 24, 'a week': 168 } as const
type Range = keyof typeof RANGES
type By = History['by']
const EVERY_MS = 5000

/** How much is left, how it went, and until when at the pace of late. */
export function Burndown({ picture, user }: ScreenProps) {
  const [by, setBy] = useState<By>('integration')
  const [range, setRange] = useState<Range>('an hour')
  const [chosen, setChosen] = useState<string | null>(null)
  const { history, problem } = useHistory(user.token, questionOf(by, chosen), range)
  const points = history === null ? [] : leftOf(history, chosen)
  const last = points.at(-1)
  const seconds = secondsLeft(points)
  const rows = [...picture.integrations.values()]
  const { drawn, more } = usePaged(rows)
  return (
    <>
      <div class="filters">
        <Field label="By">
          <select
            value={by}
            onChange={(event) => {
              setBy(event.currentTarget.value as By)
              setChosen(null)
            }}
          >
            {(['integration', 'owner', 'cohort'] as const).map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </Field>
        <Field label="Which">
          <select
            value={chosen ?? ALL}
            onChange={(event) => setChosen(event.currentTarget.value === ALL ? null : event.currentTarget.value)}
          >
            <option>{ALL}</option>
            {keysOf(rows, by).map((key) => (
              <option key={key} value={key}>
                {key === '' ? 'nobody' : key}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Over">
          <select value={range} onChange={(event) => setRange(event.currentTarget.value as Range)}>
            {Object.keys(RANGES).map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </Field>
      </div>
      {problem === null ? null : <ProblemBox problem={problem} />}
      <p>
        {last === undefined
          ? 'Nothing was counted in this time.'
          : `${plural(last.toCopy, 'secret')} to copy, ${figure(last.toVerify)} to verify.`}
        {seconds === null ? '' : ` All copied in about ${duration(seconds)} at the pace of late (estimated).`}
      </p>
      <div class="beside">
        <Chart
          title="Secrets left"
          summary={last === undefined ? 'No figures.' : `${plural(last.toCopy, 'secret')} to copy.`}
          at={points.map(({ at }) => at)}
          lines={LINES}
          values={[points.map(({ toCopy }) => toCopy), points.map(({ toVerify }) => toVerify)]}
          format={figure}
        />
        <LeftTable points={points} />
      </div>
      <Table
        name="How far each integration is"
        head={['Integration', 'Owner', 'State', 'Found', 'Copied', 'Verified', 'Left', 'Quarantined', 'Done']}
      >
        {drawn.map(({ integration, owner, state, counts }) => (
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
      {more}
    </>
  )
}

/** No key can be this: names hold no space. */
const ALL = 'all of them'

/** What can be chosen. */
const keysOf = (rows: readonly LiveIntegration[], by: By): readonly string[] => {
  if (by === 'cohort') return rows[0]?.cohorts.map(({ cohort }) => cohort) ?? []
  return [...new Set(rows.map((row) => (by === 'owner' ? (row.owner ?? '') : row.integration)))].sort()
}

/** What holds the chosen series, and little else: those of hundreds of integrations are megabytes. All of them are the sum of the cohorts. */
const questionOf = (by: By, chosen: string | null): string => {
  const question = new URLSearchParams(
    by === 'integration' && chosen !== null ? { by, selector: chosen } : { by: chosen === null ? 'cohort' : by },
  )
  return question.toString()
}

function useHistory(token: string, question: string, range: Range) {
  const [answered, setAnswered] = useState<{ readonly history: History | null; readonly problem: Problem | null }>({
    history: null,
    problem: null,
  })
  useEffect(() => {
    let isWanted = true
    const look = async (): Promise<void> => {
      const since = new Date(Date.now() - RANGES[range] * 3_600_000).toISOString()
      const query = new URLSearchParams({ since, points: '120', limit: '1000' })
      const answer = await call<History>(token, 'GET', `/history?${question}&${query}`)
      if (!isWanted) return
      setAnswered((before) =>
        answer.kind === 'ok'
          ? { history: answer.value, problem: null }
          : { history: before.history, problem: answer.problem },
      )
    }
    setAnswered({ history: null, problem: null })
    void look()
    const timer = setInterval(() => void look(), EVERY_MS)
    return () => {
      isWanted = false
      clearInterval(timer)
    }
  }, [token, question, range])
  return answered
}

const LeftTable = ({ points }: { points: readonly LeftPoint[] }) => (
  <Table name="What was left, the latest first" head={['Time', 'To copy', 'To verify']}>
    {points
      .slice(-7)
      .map(({ at, toCopy, toVerify }) => (
        <tr key={at}>
          <td>{timeOf(at)}</td>
          <td class="number">{figure(toCopy)}</td>
          <td class="number">{figure(toVerify)}</td>
        </tr>
      ))
      .reverse()}
    {points.length === 0 ? <Nothing columns={3}>Nothing was counted.</Nothing> : null}
  </Table>
)

const duration = (seconds: number): string => {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  if (seconds < 7200) return `${Math.ceil(seconds / 60)} min`
  return `${Math.ceil(seconds / 3600)} h`
}

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
