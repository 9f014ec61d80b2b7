import type { Cap } from './caps.ts'
import type { Pin } from './decision.ts'
import { reasonOf } from './gate-book.ts'
import { type GateMark, type GateRecord, NO_MARK } from './gate-marks.ts'
import { NOTHING_ASKED } from './outlook.ts'
import { phaseRank } from './phase.ts'

/*
 * What changed between two records, as facts to write down: what the flag asks for, what runs, what a gate holds and lets go.
 * One fact is one event, whichever process noticed it; what is the same for every cohort is said once.
 */
export interface GateFact {
  readonly kind: 'flag' | 'phase' | 'gate-held' | 'gate-released'
  readonly actor: string
  readonly detail: {
    /** null: every cohort. */
    readonly cohort: string | null
    readonly from: string
    readonly to: string
    readonly reason: string | null
  }
}

/** Why a cohort runs what it runs now. */
export interface Causes {
  readonly cap: Cap | null
  readonly pin: Pin | null
}

const BY_FLAG = 'flag'

export function factsBetween(
  before: GateRecord | undefined,
  after: GateRecord,
  causes: (cohort: string) => Causes,
): readonly GateFact[] {
  const facts = Object.entries(after.cohorts).flatMap(([cohort, mark]) =>
    changes(cohort, before?.cohorts[cohort] ?? NO_MARK, mark, causes(cohort)),
  )
  return together(facts, Object.keys(after.cohorts).length)
}

function changes(cohort: string, was: GateMark, is: GateMark, causes: Causes): GateFact[] {
  const fact = (kind: GateFact['kind'], actor: string, from: string, to: string, reason: string | null): GateFact => ({
    kind,
    actor,
    detail: { cohort, from, to, reason },
  })
  const facts: GateFact[] = []
  if (was.asks !== is.asks && !(was.asks === '' && is.asks === NOTHING_ASKED))
    facts.push(fact('flag', BY_FLAG, was.asks === '' ? NOTHING_ASKED : was.asks, is.asks, null))
  const [held, holds] = [was.hold, is.hold]
  if (held !== null && held.gate !== holds?.gate) {
    const passed = phaseRank(is.mark) >= phaseRank(held.gate)
    const why = passed
      ? is.forced === null
        ? 'everything that was asked is there'
        : forcedBy(is)
      : 'nothing asks for it now'
    facts.push(fact('gate-released', 'gate', was.mark, passed ? held.gate : is.mark, why))
  }
  if (holds !== null && holds.gate !== held?.gate)
    facts.push(fact('gate-held', 'gate', is.mark, holds.wants, reasonOf(holds)))
  if (was.runs !== is.runs) {
    const { actor, reason } = causeOf(is, causes)
    facts.push(fact('phase', actor, was.runs, is.runs, reason))
  }
  return facts
}

const forcedBy = ({ forced }: GateMark): string =>
  forced === null ? '' : `forced to ${forced.phase} by ${forced.by}: ${forced.reason}`

function causeOf({ runs, hold }: GateMark, { cap, pin }: Causes): { actor: string; reason: string } {
  if (pin !== null) return { actor: 'state', reason: pin.reason }
  if (cap !== null && cap.phase === runs) return { actor: cap.by, reason: `${cap.kind}: ${cap.reason}` }
  return {
    actor: BY_FLAG,
    reason: hold === null ? 'the flag asks for it' : `the flag asks for ${hold.wants}, and ${hold.gate} is held`,
  }
}

/** Equal facts of all cohorts are one fact. */
function together(facts: readonly GateFact[], cohorts: number): readonly GateFact[] {
  const bare = ({ kind, actor, detail }: GateFact): string => JSON.stringify({ kind, actor, ...detail, cohort: null })
  const groups = Map.groupBy(facts, bare)
  return [...groups.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined || same.length < cohorts) return same
    return [{ ...first, detail: { ...first.detail, cohort: null } }]
  })
}
