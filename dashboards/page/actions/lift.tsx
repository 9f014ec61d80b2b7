import { useState } from 'preact/hooks'
import type { OpsAnswer } from '../../../proxy/ops/api.ts'
import { type Answer, call } from '../api.ts'
import { Command, ProblemBox } from '../parts.tsx'
import { plural } from '../words.ts'
import { type ActionProps, Dialog, selectorName, selectorWord } from './dialog.tsx'
import { Reach } from './reach.tsx'

type Done = Answer<OpsAnswer<'lift'>>

/** Takes caps away. The server refuses while that would move anybody forward; only the command line can insist. */
export function Lift({ selector, picture, user, onClose }: ActionProps) {
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState<Done | null>(null)
  const caps = (picture.integrations.get(selector)?.caps ?? []).filter(({ source }) => source !== 'gate')
  const act = async (): Promise<void> => {
    setBusy(true)
    setDone(await call(user.token, 'POST', '/lift', { selector }))
    setBusy(false)
  }
  return (
    <Dialog title={`Lift the caps of ${selectorName(selector)}`} onClose={onClose}>
      <ul>
        {caps.map((cap) => (
          <li key={`${cap.integration} ${cap.cohort} ${cap.source}`}>
            {cap.cohort ?? 'every cohort'}
            {cap.integration === '*' ? ' of everything' : ''}: at most {cap.phase}, {cap.source} by {cap.by ?? 'nobody'}
            : {cap.reason}
          </li>
        ))}
      </ul>
      <p>It is refused while the flag asks for more than runs now, so that nobody moves forward by it.</p>
      <Command text={`crossfade lift ${selectorWord(selector)}`} />
      {done?.kind === 'refused' ? <ProblemBox problem={done.problem} /> : null}
      {done?.kind === 'ok' ? (
        <>
          <p role="status" class="done">
            {plural(done.value.lifted.length, 'cap')} lifted.
          </p>
          <Reach picture={picture} selector={selector} />
        </>
      ) : null}
      <div class="buttons">
        {done?.kind === 'ok' ? null : (
          <button type="button" class="strong" disabled={busy} onClick={() => void act()}>
            Lift them
          </button>
        )}
        <button type="button" onClick={onClose}>
          {done?.kind === 'ok' ? 'Close' : 'Cancel'}
        </button>
      </div>
    </Dialog>
  )
}
