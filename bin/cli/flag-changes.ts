import { describeChange, type ScopeChange } from '../../flags/code/describe.ts'
import type { Look, Written } from '../../flags/desk.ts'
import { columns } from './columns.ts'
import { type Exit, exitOfFault } from './exit-codes.ts'
import type { Io } from './io.ts'

/** How one integration's flag stands to what is wanted, or what became of it: one object of the `--json` answer. */
export interface ShownChange {
  readonly integration: string
  readonly state: Look['kind'] | Written['kind']
  readonly scopes: readonly ScopeChange[]
  readonly notes: readonly string[]
  /** Why it was refused or failed. */
  readonly problem: { readonly code: string; readonly detail: string } | null
}

export const showChange = (integration: string, outcome: Look | Written): ShownChange => {
  const shown = { integration, state: outcome.kind, scopes: [], notes: [], problem: null }
  switch (outcome.kind) {
    case 'same':
    case 'left':
      return shown
    case 'refused':
      return { ...shown, problem: { code: 'flags-refused', detail: outcome.detail } }
    case 'failed':
      return { ...shown, problem: { code: outcome.fault.code, detail: outcome.fault.detail } }
    case 'differs':
    case 'written': {
      const scopes = describeChange(outcome.before, outcome.after)
      const notes = outcome.notes.length + scopes.length === 0 ? ['its steps are put into order'] : outcome.notes
      return { ...shown, scopes, notes }
    }
  }
}

/** A row a scope that changes; what is as wanted is left out. */
export const changesTable = (changes: readonly ShownChange[]): string => {
  const rows = changes.flatMap(rowsOf)
  return rows.length === 0 ? '' : columns(['INTEGRATION', 'COHORT', 'NOW', 'WANTED'], rows)
}

const rowsOf = ({ integration, state, scopes, notes, problem }: ShownChange): readonly (readonly string[])[] => {
  if (problem !== null) return [[integration, '-', state, problem.detail]]
  if (state === 'left') return [[integration, '-', 'not begun', '-']]
  return [
    ...scopes.map(({ cohort, from, to }) => [integration, cohort ?? 'everybody', from ?? '-', to ?? '-']),
    ...notes.map((note) => [integration, '-', '-', note]),
  ]
}

export const countOf = (changes: readonly ShownChange[], ...states: readonly ShownChange['state'][]): number =>
  changes.filter(({ state }) => states.includes(state)).length

/** How a write ended: a part is resumed by the same command; with nothing done, the first failure says why. */
export const exitOfWritten = (outcomes: readonly Written[]): Exit => {
  const failed = outcomes.find((outcome) => outcome.kind === 'failed')
  const left = outcomes.some(({ kind }) => kind === 'left')
  const refused = outcomes.some(({ kind }) => kind === 'refused')
  const done = outcomes.some(({ kind }) => kind === 'written' || kind === 'same')
  if ((failed !== undefined || left || refused) && done) return 'partial'
  if (failed !== undefined) return exitOfFault(failed.fault)
  if (left) return 'partial'
  return refused ? 'refused' : 'ok'
}

const LINE_MS = 5000

/** `117/300 integrations`, over and over on a terminal, now and then elsewhere. */
export const countingLine = ({ stderr, clock }: Io, total: number) => {
  let done = 0
  let shown = clock.monotonic()
  return (): void => {
    done += 1
    if (total < 2) return
    const text = `${done}/${total} integrations`
    if (stderr.isTTY) stderr.write(`\r\u001b[K${text}${done === total ? '\n' : ''}`)
    else if (done === total || clock.monotonic() - shown >= LINE_MS) {
      stderr.write(`${text}\n`)
      shown = clock.monotonic()
    }
  }
}
