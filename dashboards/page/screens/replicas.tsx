import { Nothing, Table } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'

const STATES = {
  live: 'live',
  deaf: 'deaf: it hears no messages, and asks the ledger on each read',
  gone: 'gone: no sign of life',
} as const

/** The processes on this ledger, and what each has put into effect. */
export function Replicas({ picture }: ScreenProps) {
  const { caps, replicas } = picture
  return (
    <>
      <p role="status">
        {caps === null
          ? 'Not known yet.'
          : `The caps that hold now are applied by ${caps.applied} of ${caps.of} replicas.`}
      </p>
      <Table
        name="Replicas"
        head={['Replica', 'State', 'Last sign of life', 'Has yet to apply', 'Differs from the one that answers']}
      >
        {replicas.map(({ name, state, silent_seconds, behind, differs, self }) => (
          <tr key={name}>
            <th scope="row">
              {name}
              {self ? ' (answers this page)' : ''}
            </th>
            <td>{STATES[state]}</td>
            <td>{silent_seconds < 2 ? 'now' : `${silent_seconds} s ago`}</td>
            <td>{behind.length === 0 ? 'nothing' : behind.join(', ')}</td>
            <td>{differs.length === 0 ? (self ? '' : 'in nothing') : differs.join('; ')}</td>
          </tr>
        ))}
        {replicas.length === 0 ? <Nothing columns={5}>None is registered.</Nothing> : null}
      </Table>
    </>
  )
}
