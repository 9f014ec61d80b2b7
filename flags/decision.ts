import type { Cap } from './caps.ts'
import type { Engine, FlagContext, MatchedStrategy } from './engine.ts'
import { type History, lastKnown } from './history.ts'
import { lowerPhase, type Phase } from './phase.ts'

/** Why a flag is not followed now; its integration keeps the last known phase. */
export interface Doubt {
  readonly kind: 'missing' | 'unusable' | 'max-moves' | 'not-durable' | 'source'
  readonly detail: string
}

/** `flag`: the flag says so now. `held`: the last known phase stands. `initial`: no flag ever said anything, so `off`. */
export type PhaseSource = 'flag' | 'held' | 'initial'

export interface Requested {
  readonly phase: Phase
  readonly source: PhaseSource
  readonly reason: string
  readonly matched: MatchedStrategy | null
}

/** A phase that the integration's own state dictates, whatever a flag or a cap says. */
export interface Pin {
  readonly phase: Phase
  readonly reason: string
}

/** Which phase one customer of one integration runs, and everything that made it so. */
export interface Decision {
  readonly integration: string
  readonly cohort: string
  /** What the flag asks for. */
  readonly requested: Phase
  /** What runs. */
  readonly effective: Phase
  readonly source: PhaseSource
  /** The cap that lowers the request; null where none does. */
  readonly cap: Cap | null
  /** The state that overrides request and caps; null for an enrolled integration. */
  readonly pin: Pin | null
  /** For people: where the requested phase comes from. */
  readonly reason: string
  /** The strategy of the flag that matched; null where the phase does not come from one now. */
  readonly matched: MatchedStrategy | null
}

const NO_FLAG_EVER: Doubt = { kind: 'missing', detail: 'no flag was ever seen' }

/** What the flag asks for: its own word now, else the last known phase, else `off`. */
export const requestedPhase = (
  engine: Engine,
  flag: { readonly history: History; readonly doubt: Doubt | null },
  context: FlagContext,
  now: number,
): Requested => {
  const newest = flag.history[0]
  if (newest === undefined) return initial(flag.doubt ?? NO_FLAG_EVER)
  const evaluation = engine.evaluate(newest, context, now)
  if (evaluation.kind === 'phase') {
    const { phase, matched } = evaluation
    if (flag.doubt !== null) return { phase, source: 'held', reason: held(flag.doubt), matched }
    return { phase, source: 'flag', reason: spoken(newest.definition.feature.enabled, matched), matched }
  }
  const doubt: Doubt = flag.doubt ?? { kind: 'unusable', detail: UNMATCHED[evaluation.why] }
  const phase = lastKnown(engine, flag.history, context, now)
  return phase === null ? initial(doubt) : { phase, source: 'held', reason: held(doubt), matched: null }
}

const UNMATCHED = {
  'no-strategy-matched': 'no strategy of the flag matches this customer',
  'no-phase-in-payload': 'the variant that matches this customer names no phase',
  'evaluation-failed': 'the flag cannot be evaluated for this customer',
} as const

const initial = (doubt: Doubt): Requested => ({
  phase: 'off',
  source: 'initial',
  reason: `off until a flag says otherwise: ${doubt.detail}`,
  matched: null,
})

const held = (doubt: Doubt): string => `the last known phase stands: ${doubt.detail}`

function spoken(enabled: boolean, matched: MatchedStrategy | null): string {
  if (!enabled) return 'the flag is switched off'
  if (matched === null) return 'the variants of the flag'
  const title = matched.title ? ` (${matched.title})` : ''
  return `strategy ${matched.index + 1} of the flag${title}`
}

/** The one place where request, cap and pin meet: a pin wins, else a cap lowers, else the request runs. */
export const combine = (
  subject: { readonly integration: string; readonly cohort: string },
  requested: Requested,
  cap: Cap | null,
  pin: Pin | null,
): Decision => {
  const capped = cap === null ? requested.phase : lowerPhase(requested.phase, cap.phase)
  return {
    integration: subject.integration,
    cohort: subject.cohort,
    requested: requested.phase,
    effective: pin?.phase ?? capped,
    source: requested.source,
    cap: capped === requested.phase ? null : cap,
    pin,
    reason: requested.reason,
    matched: requested.matched,
  }
}
