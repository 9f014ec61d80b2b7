import type { OpsAnswer } from '../../../proxy/ops/api.ts'
import type { Cap } from '../../../proxy/ops/status.ts'
import { Command, ProblemBox } from '../parts.tsx'
import { plural } from '../words.ts'
import { type ActionProps, Buttons, Dialog, selectorName, selectorWord, useCall } from './dialog.tsx'
import { capsApplied, Reach } from './reach.tsx'

/** Those that would go: of one integration its own, since a rollback of everything is lifted as a whole. */
function capsOf(picture: ActionProps['picture'], selector: string): readonly Cap[] {
  const all = [...picture.integrations.values()].flatMap(({ caps }) => caps).filter(({ source }) => source !== 'gate')
  const meant = all.filter(({ integration }) => selector === '*' || integration === selector)
  return [...new Map(meant.map((cap) => [keyOf(cap), cap])).values()]
}

const keyOf = ({ integration, cohort, source }: Cap): string => `${integration} ${cohort ?? ''} ${source}`

/** Takes caps away. The server refuses while that would move anybody forward; only the command line can insist. */
export function Lift({ selector, picture, user, onClose }: ActionProps) {
  const { busy, done, act } = useCall<OpsAnswer<'lift'>>(user.token, '/lift')
  const caps = capsOf(picture, selector)
  return (
    <Dialog title={`Lift the caps of ${selectorName(selector)}`} onClose={onClose}>
      <ul>
        {caps.map((cap) => (
          <li key={keyOf(cap)}>
            {cap.integration === '*' ? 'everything' : cap.integration}, {cap.cohort ?? 'every cohort'}: at most{' '}
            {cap.phase}, {cap.source} by {cap.by ?? 'nobody'}: {cap.reason}
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
          <Reach picture={picture} selector={selector} applied={capsApplied(picture)} />
        </>
      ) : null}
      <Buttons
        isDone={done?.kind === 'ok'}
        onClose={onClose}
        act={
          <button type="button" class="strong" disabled={busy} onClick={() => void act({ selector })}>
            Lift them
          </button>
        }
      />
    </Dialog>
  )
}
