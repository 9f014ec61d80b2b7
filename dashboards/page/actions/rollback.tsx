import { useState } from 'preact/hooks'
import type { OpsAnswer } from '../../../proxy/ops/api.ts'
import { Command, ProblemBox } from '../parts.tsx'
import { type ActionProps, Buttons, CohortField, Dialog, selectorName, selectorWord, useCall } from './dialog.tsx'
import { capsApplied, Reach } from './reach.tsx'

/** One button, one confirmation, no reason: rolling back is safe at any moment, and must be quick at three in the morning. */
export function Rollback({ selector, picture, user, onClose }: ActionProps) {
  const [cohort, setCohort] = useState('')
  const { busy, done, act } = useCall<OpsAnswer<'rollback'>>(user.token, '/rollback')
  const name = selectorName(selector)
  const scope = cohort === '' ? {} : { cohort }
  return (
    <Dialog title={`Roll back ${name}`} onClose={onClose}>
      <p>Legacy answers at once, on every replica, until it is lifted. No acknowledged write is lost.</p>
      <CohortField picture={picture} selector={selector} value={cohort} disabled={done !== null} onChoose={setCohort} />
      <Command text={`crossfade rollback ${selectorWord(selector)}${cohort === '' ? '' : ` --cohort ${cohort}`}`} />
      {done?.kind === 'refused' ? <ProblemBox problem={done.problem} /> : null}
      {done?.kind === 'ok' ? <Applied done={done.value} selector={selector} picture={picture} /> : null}
      <Buttons
        isDone={done?.kind === 'ok'}
        onClose={onClose}
        act={
          <button type="button" class="danger strong" disabled={busy} onClick={() => void act({ selector, ...scope })}>
            Roll back {name} now
          </button>
        }
      />
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
      {done.unmoved.map(({ integration, phase, why }) => (
        <p key={integration}>
          {integration} stays {phase}, {why}: no cap leads back.
        </p>
      ))}
      <Reach picture={picture} selector={selector} applied={capsApplied(picture)} evenIfNone />
    </>
  )
}
