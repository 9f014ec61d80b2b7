import type { Side } from '../../core/side.ts'
import { PLANS } from '../../flags/phase.ts'
import type { Stage } from './stages.ts'

/** What was acknowledged within one stage, begun and ended there. */
export interface Tally {
  readonly stage: Stage
  reads: number
  writes: number
  deletes: number
  /** Who answered them. */
  readonly servedBy: Record<Side, number>
  /** Those that the other side than the phase's answered, by the reason that the answer gave. */
  readonly againstPhase: Record<Against, number>
  /** Answers of another phase than the stage's. */
  otherPhase: number
}

/** A request, as it was when it was sent. */
export interface Mark {
  readonly tally: Tally | null
}

export type Kind = 'read' | 'write' | 'delete'

export interface Served {
  readonly served_by: string | null
  readonly phase: string | null
  readonly fallback: string | null
}

/** A right system says why: a debt (a second put had no answer in time), or an error of the phase's side. */
export const AGAINST = ['debt', 'error', 'unexplained'] as const
export type Against = (typeof AGAINST)[number]

export interface Goals {
  readonly writes: number
  readonly deletes: number
}

/** Counts what the clients do, stage by stage; between two stages, while the flags flip, only in the totals. */
export interface Board {
  readonly totals: { reads: number; writes: number; deletes: number }
  /** Refusals by code: a right system has none. */
  readonly refused: Map<string, number>
  readonly tallies: readonly Tally[]
  mark(): Mark
  /** `served` is null for "not found", whose headers the client does not show. */
  count(mark: Mark, kind: Kind, served: Served | null): void
  refuse(code: string): void
  begin(stage: Stage): void
  /** What is sent from now on belongs to no stage. */
  end(): void
  /** Resolves when the stage has seen what it must; rejects when aborted. */
  reached(signal: AbortSignal): Promise<void>
}

const FIELD = { read: 'reads', write: 'writes', delete: 'deletes' } as const

export function makeBoard(goals: Goals): Board {
  const totals = { reads: 0, writes: 0, deletes: 0 }
  const refused = new Map<string, number>()
  const tallies: Tally[] = []
  let current: Tally | null = null
  let waiting: { readonly tally: Tally; readonly resolve: () => void } | null = null

  const isReached = ({ writes, deletes }: Tally): boolean => writes >= goals.writes && deletes >= goals.deletes
  const within = (tally: Tally, kind: Kind, served: Served | null): void => {
    tally[FIELD[kind]] += 1
    if (served === null) return
    const { served_by: by } = served
    if (by === 'legacy' || by === 'new') {
      tally.servedBy[by] += 1
      if (by !== PLANS[tally.stage.phase].read) tally.againstPhase[reasonOf(served)] += 1
    }
    if (served.phase !== tally.stage.phase) tally.otherPhase += 1
  }
  return {
    totals,
    refused,
    tallies,
    mark: () => ({ tally: current }),
    count: ({ tally }, kind, served) => {
      totals[FIELD[kind]] += 1
      if (tally !== null && tally === current) within(tally, kind, served)
      if (waiting !== null && isReached(waiting.tally)) waiting.resolve()
    },
    refuse: (code) => refused.set(code, (refused.get(code) ?? 0) + 1),
    begin: (stage) => {
      current = {
        ...{ stage, reads: 0, writes: 0, deletes: 0, otherPhase: 0 },
        servedBy: { legacy: 0, new: 0 },
        againstPhase: { debt: 0, error: 0, unexplained: 0 },
      }
      tallies.push(current)
    },
    end: () => {
      current = null
    },
    reached: (signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      if (current === null || isReached(current)) resolve()
      else waiting = { tally: current, resolve }
      return promise
    },
  }
}

const reasonOf = ({ fallback }: Served): Against => AGAINST.find((reason) => reason === fallback) ?? 'unexplained'
