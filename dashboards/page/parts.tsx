import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Phase } from '../../flags/phase.ts'
import type { Problem } from './api.ts'
import { figure } from './words.ts'

/** Columns and rows; scrolls by itself where it is wider than the window, also with the keyboard. */
export function Table({
  name,
  head,
  children,
}: {
  name: string
  head: readonly string[]
  children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="scroll" aria-label={name} tabIndex={0}>
      <table>
        <caption class="unseen">{name}</caption>
        <thead>
          <tr>
            {head.map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}

/** Rows that are drawn at first, and with each wish for more: a browser is busy for a third of a second with 350 of them. */
const PAGE = 100

/** The first rows of many, and a button for more below them; a search reaches all. */
export function usePaged<T>(rows: readonly T[]) {
  const [most, setMost] = useState(PAGE)
  const left = rows.length - most
  // It stays when all are shown, or whoever pressed it would lose the focus.
  const more =
    rows.length <= PAGE ? null : (
      <button type="button" onClick={() => setMost(left > 0 ? most + PAGE : PAGE)}>
        {left > 0
          ? `Show ${figure(Math.min(PAGE, left))} more of ${figure(left)} that are not shown`
          : `Show the first ${PAGE} only`}
      </button>
    )
  return { drawn: rows.slice(0, most), more }
}

export const Nothing = ({ columns, children }: { columns: number; children: string }) => (
  <tr>
    <td colSpan={columns} class="quiet">
      {children}
    </td>
  </tr>
)

export const PhaseBadge = ({ phase }: { phase: Phase }) => <span class={`phase phase-${phase}`}>{phase}</span>

/** The command line that does the same. */
export const Command = ({ text }: { text: string }) => (
  <p class="command">
    <span class="quiet">The same on the command line:</span>
    <code>{text}</code>
  </p>
)

export const ProblemBox = ({ problem }: { problem: Problem }) => (
  <div role="alert" class="problem">
    <p>
      <strong>{problem.title}</strong> ({problem.code})
    </p>
    <p>{problem.detail}</p>
    <p>{problem.next}</p>
  </div>
)

interface FieldProps {
  readonly label: string
  readonly hint?: string
  readonly children: JSX.Element
}

export const Field = ({ label, hint, children }: FieldProps) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
  <label class="field">
    <span>{label}</span>
    {children}
    {hint === undefined ? null : <small class="quiet">{hint}</small>}
  </label>
)
