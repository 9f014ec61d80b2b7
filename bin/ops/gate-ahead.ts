import { lowerPhase, type Phase } from '../../flags/phase.ts'
import type { Engine } from '../serve/engine.ts'

/** How far gates let these cohorts go on the way to a phase, and what they wait for, each with its figures and the command. */
export async function gateAhead(
  { gates, flags }: Engine,
  integration: string,
  cohort: string | undefined,
  to: Phase,
): Promise<{ readonly allowed: Phase; readonly waits: readonly string[] }> {
  const foreseen = await gates.foresee(integration, to)
  const own = flags.cohorts.names
    .filter((name) => cohort === undefined || name === cohort)
    .map((name) => foreseen?.get(name)?.mark ?? flags.gateBook.mark(integration, name))
  const waits = own.flatMap(({ hold }) =>
    hold === null ? [] : hold.waits.map(({ text, next }) => `${hold.gate}: ${text}: ${next}`),
  )
  const unknown = foreseen === null ? ['the ledger does not answer, so no gate can be asked'] : []
  return { allowed: own.map(({ mark }) => mark).reduce(lowerPhase, to), waits: [...new Set([...waits, ...unknown])] }
}
