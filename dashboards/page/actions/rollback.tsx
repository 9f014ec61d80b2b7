import { useState } from 'preact/hooks'
import type { OpsAnswer } from '../../../proxy/ops/api.ts'
import { type Answer, call } from '../api.ts'
import { Command, Field, ProblemBox } from '../parts.tsx'
import { type ActionProps, cohortsOf, Dialog, selectorName, selectorWord } from './dialog.tsx'
import { Reach } from './reach.tsx'

type Done = Answer<OpsAnswer<'rollback'>>

/** One button, one confirmation, no reason: rolling back is safe at any moment, and must be quick at three in the morning. */
export function Rollback({ selector, picture, user, onClose }: ActionProps) {
  const [cohort, setCohort] = useState('')
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState<Done | null>(null)
  const name = selectorName(selector)
  const scope = cohort === '' ? {} : { cohort }
  const act = async (): Promise<void> => {
    setBusy(true)
    setDone(await call(user.token, 'POST', '/rollback', { selector, ...scope }))
    setBusy(false)
  }
  return (
    <Dialog title={`Roll back ${name}`} onClose={onClose}>
      <p>Legacy answers at once, on every replica, until it is lifted. No acknowledged write is lost.</p>
      <Field label="Cohort">
        <select value={cohort} disabled={done !== null} onChange={(event) => setCohort(event.currentTarget.value)}>
          <option value="">Every cohort</option>
          {cohortsOf(picture, selector).map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </Field>
      <Command text={`crossfade rollback ${selectorWord(selector)}${cohort === '' ? '' : ` --cohort ${cohort}`}`} />
      {done?.kind === 'refused' ? <ProblemBox problem={done.problem} /> : null}
      {done?.kind === 'ok' ? <Applied done={done.value} selector={selector} picture={picture} /> : null}
      <div class="buttons">
        {done?.kind === 'ok' ? null : (
          <button type="button" class="danger strong" disabled={busy} onClick={() => void act()}>
            Roll back {name} now
          </button>
        )}
        <button type="button" onClick={onClose}>
          {done?.kind === 'ok' ? 'Close' : 'Cancel'}
        </button>
      </div>
    </Dialog>
  )
}

function Applied({
  done,
  selector,
  picture,
}: { done: OpsAnswer<'rollback'> } & Pick<ActionProps, 'selector' | 'picture'>) {
  return (
    <>
      <p role="status" class="done">
        Rolled back to {[...new Set(done.caps.map(({ phase }) => phase))].join(', ')}.
        {done.durable ? '' : ' The ledger is down: it holds from memory, and is written when the ledger is back.'}
      </p>
      <Reach picture={picture} selector={selector} />
    </>
  )
}
