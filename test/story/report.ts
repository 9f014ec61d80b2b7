import type { Against, Board } from './board.ts'
import type { Etags } from './etags.ts'
import type { Finding, Findings } from './findings.ts'

/** The last line of a story. Names, never a value. */
export interface Report {
  readonly secrets: number
  /** Acknowledged, those while the flags were flipping included. */
  readonly reads: number
  readonly writes: number
  readonly deletes: number
  /** Secrets that were lost, stale or altered, wherever that was seen. */
  readonly wrong: number
  /** Deleted secrets that came back. */
  readonly resurrected: number
  readonly phases: readonly PhaseReport[]
  /** Secrets that had two ETags for one content. */
  readonly etags_changed: number
  /** Each secret that is counted in `wrong` or `resurrected`. */
  readonly wrong_addresses: readonly Finding[]
  /** Requests that failed, by code. */
  readonly refused: Readonly<Record<string, number>>
  readonly seconds: number
}

/** What was acknowledged while nothing but this phase ran. */
export interface PhaseReport {
  readonly phase: string
  readonly stage: string
  readonly reads: number
  readonly writes: number
  readonly deletes: number
  readonly served_by: { readonly legacy: number; readonly new: number }
  /** Of these, answers of the side that the phase does not read, by the reason that they gave; `unexplained`: 0. */
  readonly against_phase: Readonly<Record<Against, number>>
  /** Answers that named another phase: 0. */
  readonly other_phase: number
}

export interface Told {
  readonly board: Board
  readonly etags: Etags
  readonly findings: Findings
  readonly secrets: number
  readonly seconds: number
}

export function makeReport({ board, etags, findings, secrets, seconds }: Told): Report {
  const found = findings.list()
  const resurrected = found.filter((finding) => finding.found === 'resurrected').length
  return {
    secrets,
    ...board.totals,
    wrong: found.length - resurrected,
    resurrected,
    phases: board.tallies.map(({ stage, reads, writes, deletes, servedBy, againstPhase, otherPhase }) => ({
      phase: stage.phase,
      stage: stage.name,
      reads,
      writes,
      deletes,
      served_by: servedBy,
      against_phase: againstPhase,
      other_phase: otherPhase,
    })),
    etags_changed: etags.changed().length,
    wrong_addresses: found,
    refused: Object.fromEntries(board.refused),
    seconds: Math.round(seconds * 10) / 10,
  }
}

/** 3: a secret is not what it must be. 1: anything else that a right system does not do. */
export function exitOf({ wrong, resurrected, etags_changed, refused, phases }: Report): 0 | 1 | 3 {
  if (wrong + resurrected > 0) return 3
  const isClean = etags_changed === 0 && Object.keys(refused).length === 0
  return isClean && phases.every((phase) => phase.other_phase + phase.against_phase.unexplained === 0) ? 0 : 1
}
