import { movesLimit } from '../../flags/intake.ts'
import { lowerPhase, type Phase, phaseRank } from '../../flags/phase.ts'
import type { FlagChange } from '../../proxy/ops/control.ts'
import type { Engine } from '../serve/engine.ts'

/** What is asked for at once. */
export interface Asked {
  /** As it would be if nothing were held. */
  readonly changes: readonly FlagChange[]
  /** Of which integrations the flag is, or was, written: the others are as asked for already. */
  readonly isWritten: (integration: string) => boolean
  /** All are written at once, so that one answer moves them all. */
  readonly together: boolean
}

/**
 * While `max_moves` holds an answer, nothing that is written takes effect, whichever way it leads; and what is written at once
 * may be held itself. Says so of each change that it is about, with what runs instead.
 */
export function withHold(engine: Engine, asked: Asked): readonly FlagChange[] {
  const held = heldBy(engine, asked)
  if (held === null) return asked.changes
  return asked.changes.map((change) => {
    if (!held.isHeld(change.integration)) return change
    const runs = runsNow(engine, change)
    const back =
      phaseRank(change.to) < phaseRank(runs) ? `; to go back at once: crossfade rollback ${change.integration}` : ''
    return { ...change, effective: runs, waits_for: [`${held.why}: ${ACCEPT}${back}`, ...change.waits_for] }
  })
}

const ACCEPT = 'crossfade flags accept --execute --reason "..."'

function heldBy({ flags, config }: Engine, { changes, isWritten, together }: Asked) {
  const hold = flags.phases.held()
  if (hold === null && !together) return null
  const limit = hold?.limit ?? movesLimit(config.flags.max_moves ?? null, flags.integrations.length)
  const moves = new Set(hold?.moves)
  for (const { integration, from, to } of changes) {
    if (from === to) moves.delete(integration)
    else if (isWritten(integration)) moves.add(integration)
  }
  if (moves.size <= limit) return null
  const concerned = new Set([...moves, ...(hold?.changes.map(({ integration }) => integration) ?? [])])
  const why = `max_moves: one answer moves ${moves.size} integrations and may move ${limit}`
  return { why, isHeld: (integration: string): boolean => concerned.has(integration) }
}

/** The lowest phase of the customers that a change is about. */
const runsNow = ({ flags }: Engine, { integration, cohort, to }: FlagChange): Phase =>
  flags
    .outlook(integration)
    .filter((outlook) => cohort === null || outlook.cohort === cohort)
    .map(({ runs }) => runs)
    .reduce<Phase | null>((a, b) => (a === null ? b : lowerPhase(a, b)), null) ?? to
