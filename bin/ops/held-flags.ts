import { extendHistory, type History } from '../../flags/history.ts'
import type { Hold } from '../../flags/intake.ts'
import { outlookOf } from '../../flags/outlook.ts'
import { type Phase, phaseRank } from '../../flags/phase.ts'
import type { AcceptFlagsResult } from '../../proxy/ops/control.ts'
import type { HeldFlagsPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'

/** What `max_moves` holds, and the operator's word that it was meant. */
export function makeHeldFlagsPort(engine: Engine): HeldFlagsPort {
  const { flags, journal } = engine
  return {
    accept: async ({ execute, reason }, by) => {
      const held = flags.phases.held()
      if (held === null) return { executed: false, limit: null, moves: [] }
      // Before it is let through: after it, what ran before is gone.
      const told = tell(engine, held)
      if (!execute) return { executed: false, ...told }
      if ((await flags.phases.acceptHeld()) === null) return { executed: false, limit: null, moves: [] }
      const events = told.moves.map(({ integration, from, to }) => {
        const detail = { cohort: null, from, to, reason: reason ?? null }
        return journal.append({ kind: 'flags-accepted', integration, actor: by, detail })
      })
      await Promise.all(events).catch(() => undefined)
      return { executed: true, ...told }
    },
  }
}

function tell({ flags, clock }: Engine, { changes, moves, limit }: Hold): Omit<AcceptFlagsResult, 'executed'> {
  const now = clock.wall()
  const concerned = changes.filter(({ integration }) => moves.includes(integration))
  return {
    limit,
    moves: concerned.map(({ integration, definition }) => {
      const history = flags.phases.history(integration)
      const highest = (given: History): Phase =>
        outlookOf(integration, { ...flags.outlookParts(), history: () => given })
          .map(({ requested }) => requested)
          .reduce((a, b) => (phaseRank(a) >= phaseRank(b) ? a : b))
      return { integration, from: highest(history), to: highest(extendHistory(history, definition, now)) }
    }),
  }
}
