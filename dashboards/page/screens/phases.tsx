import { useMemo, useState } from 'preact/hooks'
import type { LiveIntegration } from '../../../proxy/ops/live-messages.ts'
import type { Cap, CohortPhase } from '../../../proxy/ops/status.ts'
import { Lift } from '../actions/lift.tsx'
import { Rollback } from '../actions/rollback.tsx'
import { SetPhase } from '../actions/set-phase.tsx'
import { Field, Nothing, PhaseBadge, Table, usePaged } from '../parts.tsx'
import type { ScreenProps } from '../screens.tsx'
import { plural, stillNewOf, stillNewWords } from '../words.ts'

/** What an operator has begun, and with which integration; `*`: with all of them. */
type Begun = { readonly what: 'rollback' | 'lift' | 'set'; readonly selector: string } | null

export function Phases({ picture, user }: ScreenProps) {
  const [search, setSearch] = useState('')
  const [owner, setOwner] = useState('')
  const [heldOnly, setHeldOnly] = useState(false)
  const [begun, setBegun] = useState<Begun>(null)
  const all = [...picture.integrations.values()]
  const cohorts = all[0]?.cohorts.map(({ cohort }) => cohort) ?? []
  const shown = all.filter(
    (row) =>
      row.integration.includes(search.trim()) && (owner === '' || row.owner === owner) && (!heldOnly || isHeld(row)),
  )
  const { drawn, more } = usePaged(shown)
  const owners = [...new Set(all.flatMap((row) => row.owner ?? []))].sort()
  const close = (): void => setBegun(null)

  return (
    <>
      <search class="filters">
        <Field label="Search">
          <input type="search" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        </Field>
        <Field label="Owner">
          <select value={owner} onChange={(event) => setOwner(event.currentTarget.value)}>
            <option value="">Everybody</option>
            {owners.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </Field>
        <label class="check">
          <input type="checkbox" checked={heldOnly} onChange={(event) => setHeldOnly(event.currentTarget.checked)} />
          Only what is held back
        </label>
        {user.mayOperate ? (
          <button type="button" class="danger" onClick={() => setBegun({ what: 'rollback', selector: '*' })}>
            Roll back everything
          </button>
        ) : null}
        {user.mayOperate && all.some(({ caps }) => caps.some(isOfAll)) ? (
          <button type="button" onClick={() => setBegun({ what: 'lift', selector: '*' })}>
            Lift every cap
          </button>
        ) : null}
      </search>
      <p role="status">{`${plural(shown.length, 'integration')}, ${plural(all.filter(isHeld).length, 'of them', 'of them')} held back.`}</p>
      <Table
        name="What each cohort of each integration runs"
        head={['Integration', 'Owner', 'State', ...cohorts, ...(user.mayOperate ? ['Actions'] : [])]}
      >
        {drawn.map((row) => (
          <Row key={row.integration} row={row} mayOperate={user.mayOperate} begin={setBegun} />
        ))}
        {shown.length === 0 ? <Nothing columns={4 + cohorts.length}>No integration is like this.</Nothing> : null}
      </Table>
      {more}
      {begun?.what === 'rollback' ? (
        <Rollback selector={begun.selector} picture={picture} user={user} onClose={close} />
      ) : null}
      {begun?.what === 'lift' ? <Lift selector={begun.selector} picture={picture} user={user} onClose={close} /> : null}
      {begun?.what === 'set' ? (
        <SetPhase selector={begun.selector} picture={picture} user={user} onClose={close} />
      ) : null}
    </>
  )
}

const isHeldCohort = ({ requested, effective }: CohortPhase): boolean => requested !== effective
const isHeld = ({ cohorts }: LiveIntegration): boolean => cohorts.some(isHeldCohort)

/** A rollback of everything is lifted as a whole. */
const isOfAll = ({ integration }: Cap): boolean => integration === '*'

const capWords = ({ cohort, phase, source, by }: Cap): string =>
  `${cohort ?? 'all'} at most ${phase}: ${source}${by === null ? '' : ` by ${by}`}`

interface RowProps {
  readonly row: LiveIntegration
  readonly mayOperate: boolean
  readonly begin: (begun: Begun) => void
}

/** Drawn again only when its own figures changed: there may be hundreds. */
function Row({ row, mayOperate, begin }: RowProps) {
  return useMemo(() => {
    const { integration, owner, state, cohorts, caps } = row
    const still = stillNewOf(row)
    const capped = caps.filter(({ source }) => source !== 'gate')
    return (
      <tr>
        <th scope="row">{integration}</th>
        <td>{owner ?? '-'}</td>
        <td>
          {state}
          {[...new Set(capped.map(capWords))].map((words) => (
            <p key={words} class="note">
              {words}
            </p>
          ))}
          {still === null ? null : <p class="note">{stillNewWords(still)}</p>}
        </td>
        {cohorts.map((cohort) => (
          <Cell key={cohort.cohort} cohort={cohort} />
        ))}
        {mayOperate ? (
          <td class="actions">
            <button type="button" class="danger" onClick={() => begin({ what: 'rollback', selector: integration })}>
              Roll back<span class="unseen"> {integration}</span>
            </button>
            <button type="button" onClick={() => begin({ what: 'set', selector: integration })}>
              Set phase<span class="unseen"> of {integration}</span>
            </button>
            {capped.some((cap) => cap.integration === integration) ? (
              <button type="button" onClick={() => begin({ what: 'lift', selector: integration })}>
                Lift<span class="unseen"> the caps of {integration}</span>
              </button>
            ) : null}
          </td>
        ) : null}
      </tr>
    )
  }, [row, mayOperate, begin])
}

function Cell({ cohort }: { cohort: CohortPhase }) {
  const { requested, effective, runs, why, waits } = cohort
  const shares = runs === effective ? null : <span class="note">{runs}</span>
  if (!isHeldCohort(cohort)) {
    return (
      <td>
        <PhaseBadge phase={effective} /> {shares}
      </td>
    )
  }
  return (
    <td>
      <PhaseBadge phase={effective} /> {shares} <span class="asked">asked: {requested ?? 'nothing'}</span>
      <details>
        <summary>Held back</summary>
        <p>{why}</p>
        {waits.length === 0 ? null : (
          <ul>
            {waits.map(({ gate, text, next }) => (
              <li key={`${gate} ${text}`}>
                {gate}: {text} <code>{next}</code>
              </li>
            ))}
          </ul>
        )}
      </details>
    </td>
  )
}
