import { useState } from 'preact/hooks'
import { PHASES, type Phase, phaseRank } from '../../../flags/phase.ts'
import type { OpsAnswer } from '../../../proxy/ops/api.ts'
import type { FlagChange } from '../../../proxy/ops/control.ts'
import { type Answer, call } from '../api.ts'
import { Command, Field, PhaseBadge, ProblemBox } from '../parts.tsx'
import { quoted } from '../words.ts'
import { type ActionProps, Buttons, CohortField, Dialog } from './dialog.tsx'
import { flagApplied, Reach } from './reach.tsx'

type Answered = Answer<OpsAnswer<'setFlags'>>

/**
 * Asks the flag for a phase. First it is only looked at what would change; a move forward then wants a reason and the name of
 * the integration, typed: what moves customers to another store shall not happen by a slip.
 */
export function SetPhase({ selector, picture, user, onClose }: ActionProps) {
  const [phase, setPhase] = useState<Phase>('shadow')
  const [cohort, setCohort] = useState('')
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [looked, setLooked] = useState<Answered | null>(null)
  const [done, setDone] = useState<Answered | null>(null)
  /** The newest event before it was done. */
  const [before, setBefore] = useState('0')
  const body = { selector, phase, ...(cohort === '' ? {} : { cohort }) }
  const ask = async (execute: boolean): Promise<void> => {
    setBusy(true)
    setBefore(picture.events[0]?.id ?? '0')
    const answer: Answered = await call(user.token, 'POST', '/flags', {
      ...body,
      reason: execute ? reason : 'a look before',
      execute,
    })
    if (execute) setDone(answer)
    else setLooked(answer)
    setBusy(false)
  }
  const choose = (change: () => void): void => {
    change()
    setLooked(null)
    setDone(null)
  }
  const planned = looked?.kind === 'ok' ? looked.value.changes : []
  const isForward = planned.some(({ from, to }) => from === null || phaseRank(to) > phaseRank(from))
  const isConfirmed = reason.trim() !== '' && (!isForward || typed === selector)
  const isDone = done?.kind === 'ok'
  const refused = [done, looked].find((answer) => answer?.kind === 'refused')
  return (
    <Dialog title={`Set the phase of ${selector}`} onClose={onClose}>
      <Field label="Phase">
        <select
          value={phase}
          disabled={isDone}
          onChange={(event) => choose(() => setPhase(event.currentTarget.value as Phase))}
        >
          {PHASES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </Field>
      <CohortField
        picture={picture}
        selector={selector}
        value={cohort}
        disabled={isDone}
        onChoose={(chosen) => choose(() => setCohort(chosen))}
      />
      <Command
        text={`crossfade flags set ${selector}${cohort === '' ? '' : ` --cohort ${cohort}`} ${phase} --execute --reason ${quoted(reason === '' ? '...' : reason)}`}
      />
      {planned.length > 0 && !isDone ? <Changes title="It would" changes={planned} /> : null}
      {planned.length > 0 && !isDone ? (
        <>
          <Field label="Reason" hint="Kept in the audit record and the event.">
            <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </Field>
          {isForward ? (
            <Field label={`Type ${selector} to confirm the move forward`}>
              <input value={typed} autoComplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
            </Field>
          ) : null}
        </>
      ) : null}
      {refused?.kind === 'refused' ? <ProblemBox problem={refused.problem} /> : null}
      {done?.kind === 'ok' ? <Changes title="Done" changes={done.value.changes} /> : null}
      {isDone ? (
        <>
          <Running picture={picture} selector={selector} />
          <Reach picture={picture} selector={selector} applied={flagApplied(picture, selector, before)} />
        </>
      ) : null}
      <Buttons
        isDone={isDone}
        onClose={onClose}
        act={
          planned.length === 0 ? (
            <button type="button" class="strong" disabled={busy} onClick={() => void ask(false)}>
              Look what would change
            </button>
          ) : (
            <button type="button" class="strong" disabled={busy || !isConfirmed} onClick={() => void ask(true)}>
              Set {selector} to {phase}
            </button>
          )
        }
      />
    </Dialog>
  )
}

function Changes({ title, changes }: { title: string; changes: readonly FlagChange[] }) {
  return (
    <div role="status">
      {changes.map(({ integration, cohort, from, to, effective, waits_for, problem }) => (
        <p key={`${integration} ${cohort}`}>
          {title}: {cohort ?? 'every cohort'} from {from ?? 'nothing'} to {to}, runs {effective}.
          {waits_for.length === 0 ? '' : ` It waits for: ${waits_for.join('; ')}.`}
          {problem === null ? '' : ` ${problem}`}
        </p>
      ))}
    </div>
  )
}

/** What runs, as it comes. */
function Running({ picture, selector }: Pick<ActionProps, 'picture' | 'selector'>) {
  return (
    <div role="status">
      <p>
        Runs now:{' '}
        {picture.integrations.get(selector)?.cohorts.map(({ cohort, effective }) => (
          <span key={cohort}>
            {cohort} <PhaseBadge phase={effective} />{' '}
          </span>
        ))}
      </p>
    </div>
  )
}
