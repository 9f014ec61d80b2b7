import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { type Answer, call } from '../api.ts'
import type { User } from '../app.tsx'
import { Field } from '../parts.tsx'
import type { Picture } from '../picture.ts'

/** What every action is given. `selector` is the name of an integration, or `*` for all. */
export interface ActionProps {
  readonly selector: string
  readonly picture: Picture
  readonly user: User
  readonly onClose: () => void
}

/** Modal: the browser keeps the focus in it, closes it with Escape, and gives the focus back to who opened it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) {
  const place = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const dialog = place.current
    const opener = document.activeElement
    dialog?.showModal()
    return () => {
      dialog?.close()
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    <dialog ref={place} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}

/** One call of the operators' API, its answer, and whether it is on its way. */
export function useCall<T>(token: string, path: string) {
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState<Answer<T> | null>(null)
  const act = async (body: object): Promise<void> => {
    setBusy(true)
    setDone(await call<T>(token, 'POST', path, body))
    setBusy(false)
  }
  return { busy, done, act }
}

/** What acts, until it is done, and what closes the dialog. */
export function Buttons({ act, isDone, onClose }: { act: ComponentChildren; isDone: boolean; onClose: () => void }) {
  return (
    <div class="buttons">
      {isDone ? null : act}
      <button type="button" onClick={onClose}>
        {isDone ? 'Close' : 'Cancel'}
      </button>
    </div>
  )
}

interface CohortFieldProps extends Pick<ActionProps, 'picture' | 'selector'> {
  /** Empty: every cohort. */
  readonly value: string
  readonly disabled: boolean
  readonly onChoose: (cohort: string) => void
}

export function CohortField({ picture, selector, value, disabled, onChoose }: CohortFieldProps) {
  const row = picture.integrations.get(selector) ?? [...picture.integrations.values()][0]
  return (
    <Field label="Cohort">
      <select value={value} disabled={disabled} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">Every cohort</option>
        {row?.cohorts.map(({ cohort }) => (
          <option key={cohort}>{cohort}</option>
        ))}
      </select>
    </Field>
  )
}

/** As the command line names it. */
export const selectorWord = (selector: string): string => (selector === '*' ? '--all' : selector)
export const selectorName = (selector: string): string => (selector === '*' ? 'everything' : selector)
