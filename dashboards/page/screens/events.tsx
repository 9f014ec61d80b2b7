import { useState } from 'preact/hooks'
import type { OpsAnswer } from '../../../proxy/ops/api.ts'
import type { OpsEvent } from '../../../proxy/ops/work.ts'
import { call, type Problem } from '../api.ts'
import { Field, Nothing, ProblemBox, Table } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'
import { timeOf } from '../words.ts'

/** Who changed what, when and why. The newest come by the stream, older ones on demand. */
export function Events({ picture, user }: ScreenProps) {
  const [search, setSearch] = useState('')
  const [older, setOlder] = useState<readonly OpsEvent[]>([])
  const [problem, setProblem] = useState<Problem | null>(null)
  const newest = new Set(picture.events.map(({ id }) => id))
  const all = [...picture.events, ...older.filter(({ id }) => !newest.has(id))]
  const shown = all.filter((event) => textOf(event).includes(search.trim()))
  const last = all.at(-1)
  const more = async (): Promise<void> => {
    const answer = await call<OpsAnswer<'events'>>(user.token, 'GET', `/events?limit=100&after=${last?.id ?? ''}`)
    if (answer.kind === 'ok') setOlder([...older, ...answer.value.events])
    setProblem(answer.kind === 'ok' ? null : answer.problem)
  }
  return (
    <>
      <search class="filters">
        <Field label="Search">
          <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </Field>
      </search>
      <Table
        name="Events, the newest first"
        head={['When', 'What', 'Integration', 'Run', 'Cohort', 'From', 'To', 'By', 'Reason', 'Applied']}
      >
        {shown.map((event) => (
          <tr key={event.id}>
            <td>{timeOf(event.at)}</td>
            <th scope="row">{event.kind}</th>
            <td>{event.integration ?? 'all'}</td>
            <td>{event.run ?? '-'}</td>
            <td>{event.cohort ?? '-'}</td>
            <td>{event.from ?? '-'}</td>
            <td>{event.to ?? '-'}</td>
            <td>{event.by ?? '-'}</td>
            <td class="wide">{event.reason ?? '-'}</td>
            <td>{event.applied === null ? '-' : `${event.applied.replicas} of ${event.applied.of}`}</td>
          </tr>
        ))}
        {shown.length === 0 ? <Nothing columns={10}>Nothing like this happened.</Nothing> : null}
      </Table>
      {last === undefined ? null : (
        <button type="button" onClick={() => void more()}>
          Older events
        </button>
      )}
      {problem === null ? null : <ProblemBox problem={problem} />}
    </>
  )
}

const textOf = ({ kind, integration, run, cohort, by, reason }: OpsEvent): string =>
  [kind, integration, run, cohort, by, reason].filter((part) => part !== null).join(' ')
