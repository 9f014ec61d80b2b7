import type { Look, Written } from '../../flags/desk.ts'
import { flagsFault } from '../../flags/faults.ts'

/** Why one flag was not set; null if it was, or would be. */
export function problemIn(outcome: Look | Written | undefined): string | null {
  if (outcome?.kind === 'refused') return outcome.detail
  if (outcome?.kind === 'failed') return `${outcome.fault.title}: ${outcome.fault.detail} (${outcome.fault.code})`
  return outcome?.kind === 'left' ? 'not begun' : null
}

/** With nothing set at all the first failure is the answer; a part is told integration by integration. */
export function assertSomeSet(names: readonly string[], written: readonly Written[]): void {
  if (written.some(({ kind }) => kind === 'written' || kind === 'same')) return
  for (const [index, outcome] of written.entries()) {
    if (outcome.kind === 'failed') throw outcome.fault
    if (outcome.kind === 'refused') throw flagsFault('flag-not-editable', `${names[index]}: ${outcome.detail}`)
  }
}
