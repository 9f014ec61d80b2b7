import { type Phase, phaseRank } from '../../flags/phase.ts'
import { wayOn } from '../../migrator/way-on.ts'
import type { Pinned } from '../../proxy/ops/control.ts'
import type { Engine } from '../serve/engine.ts'

/** What ends the state that dictates an integration's phase; null: nothing does. */
export function beyondPin({ parts }: Pick<Engine, 'parts'>, integration: string): string | null {
  const state = parts.replica.state(integration)
  return state === null ? null : wayOn(integration, state)
}

/** Those that no rollback to this phase moves, since their state dictates a higher one; from memory, as the rollback itself. */
export const unmoved = ({ flags, parts }: Engine, integrations: readonly string[], to: Phase): Pinned[] =>
  integrations.flatMap((integration) => {
    const pin = flags.pin(integration)
    if (pin === null || phaseRank(pin.phase) <= phaseRank(to)) return []
    const isAbortable = parts.replica.state(integration) === 'finalizing'
    const next = isAbortable ? `crossfade finalize ${integration} --abort --execute --reason "..."` : null
    return [{ integration, phase: pin.phase, why: pin.reason, next }]
  })
