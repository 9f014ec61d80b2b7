import type { Doubt } from './decision.ts'
import { definitionKey, type FlagDefinition } from './definition.ts'
import { type History, namesOnlyOff } from './history.ts'
import { type FlagSnapshot, readFlag } from './snapshot.ts'

/** A definition that differs from the one accepted last. */
export interface FlagChange {
  readonly integration: string
  readonly definition: FlagDefinition
  /** Some customer may run another phase by it. */
  readonly moves: boolean
}

export type Intake =
  | {
      readonly kind: 'accept'
      readonly changes: readonly FlagChange[]
      readonly doubts: ReadonlyMap<string, Doubt>
    }
  /** More integrations would move than one answer may: none of the changes is taken. */
  | ({ readonly kind: 'hold'; readonly doubts: ReadonlyMap<string, Doubt> } & Hold)

export interface Hold {
  readonly changes: readonly FlagChange[]
  /** The integrations that would move. */
  readonly moves: readonly string[]
  /** How many one answer may. */
  readonly limit: number
}

/** The share of integrations that one answer may move; one alone may always. */
export const movesLimit = (maxMoves: number | null, integrations: number): number =>
  maxMoves === null ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(maxMoves * integrations))

/**
 * Judges a snapshot against what was accepted before. A flag that is missing or cannot be used is a doubt about its own
 * integration; an answer that moves too many at once is held whole, since it is more likely of a wrong environment, a
 * wrong token or an emptied server than meant. A definition that was accepted before (`accepted`: its key by integration)
 * moves nothing more.
 */
export const judgeSnapshot = (
  snapshot: FlagSnapshot,
  histories: ReadonlyMap<string, History>,
  maxMoves: number | null,
  accepted: ReadonlyMap<string, string> = new Map(),
): Intake => {
  const changes: FlagChange[] = []
  const doubts = new Map<string, Doubt>()
  for (const [integration, history] of histories) {
    const reading = readFlag(snapshot, integration)
    if (reading.kind === 'missing') doubts.set(integration, { kind: 'missing', detail: 'the flag is missing' })
    else if (reading.kind === 'unusable') doubts.set(integration, { kind: 'unusable', detail: reading.detail })
    else if (definitionKey(reading.definition) !== history[0]?.key) {
      const moves = history.length > 0 || !namesOnlyOff(reading.definition)
      changes.push({ integration, definition: reading.definition, moves })
    }
  }
  const isNew = ({ integration, definition, moves }: FlagChange): boolean =>
    moves && accepted.get(integration) !== definitionKey(definition)
  const moves = changes.filter(isNew).map(({ integration }) => integration)
  return limited({ changes, moves, limit: movesLimit(maxMoves, histories.size) }, doubts, histories.size)
}

function limited(hold: Hold, doubts: Map<string, Doubt>, all: number): Intake {
  const { changes, moves, limit } = hold
  if (moves.length <= limit) return { kind: 'accept', changes, doubts }
  const detail = `one answer moves ${moves.length} of ${all} integrations, max_moves allows ${limit}: crossfade flags accept`
  for (const { integration } of changes) doubts.set(integration, { kind: 'max-moves', detail })
  return { kind: 'hold', ...hold, doubts }
}
