import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import type { User } from '../app.tsx'
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

export const cohortsOf = (picture: Picture, selector: string): readonly string[] => {
  const row = picture.integrations.get(selector) ?? [...picture.integrations.values()][0]
  return row?.cohorts.map(({ cohort }) => cohort) ?? []
}

/** As the command line names it. */
export const selectorWord = (selector: string): string => (selector === '*' ? '--all' : selector)
export const selectorName = (selector: string): string => (selector === '*' ? 'everything' : selector)
