import { type Cap, EVERY_INTEGRATION } from '../../flags/caps.ts'
import type { Decision, Doubt } from '../../flags/decision.ts'
import { phaseRank } from '../../flags/phase.ts'
import type { Explanation } from '../../proxy/ops/status.ts'
import type { Engine } from '../serve/engine.ts'
import { beyondPin } from './pinned.ts'

/** Everything that makes one customer's phase what it is, in the order in which it is applied, and what would change it. */
export function explain(engine: Engine, integration: string, customer: string): Explanation {
  const { flags, parts } = engine
  const state = parts.replica.state(integration) ?? 'bare'
  const decision = flags.phases.decide(integration, customer)
  const { cohort, requested, pin } = decision
  const caps = flags.caps.matching(integration, cohort).filter(({ phase }) => phaseRank(phase) < phaseRank(requested))
  const doubt = decision.source === 'flag' ? null : (flags.phases.doubts().get(integration) ?? null)
  return {
    integration,
    customer,
    cohort,
    state,
    requested: decision.source === 'initial' ? null : requested,
    effective: decision.effective,
    steps: [
      { rule: decision.source === 'flag' ? 'flag' : 'last known phase', phase: requested, because: decision.reason },
      ...caps.map((cap) => ({
        rule: `cap (${cap.kind})`,
        phase: cap.phase,
        because: cap.kind === 'guard' ? cap.reason : `${cap.by}: ${cap.reason}`,
      })),
      ...(pin === null ? [] : [{ rule: 'state', phase: pin.phase, because: pin.reason }]),
    ],
    next: state === 'finalized' ? [] : waysOn(engine, decision, { caps, doubt }),
  }
}

/** Commands, each of which would change what runs. */
function waysOn(
  engine: Engine,
  decision: Decision,
  { caps, doubt }: { readonly caps: readonly Cap[]; readonly doubt: Doubt | null },
): string[] {
  const { integration, cohort, pin } = decision
  return [
    ...(pin === null ? [] : [beyondPin(engine, integration)].filter((command) => command !== null)),
    ...caps.flatMap((cap) => (cap.kind === 'gate' ? openWith(engine, decision) : [liftCommand(cap)])),
    ...(doubt === null ? [] : (REMEDIES[doubt.kind] ?? [])),
    // While an answer is held, what is written to a flag is held with it.
    ...(doubt?.kind === 'max-moves'
      ? []
      : [`crossfade flags set ${integration} --cohort ${cohort} PHASE --execute --reason "..."`]),
  ]
}

/** Where a command helps a flag to be followed again; the rest is for whoever keeps the flag or its server. */
const REMEDIES: Readonly<Partial<Record<Doubt['kind'], readonly string[]>>> = {
  'max-moves': ['crossfade flags accept --execute --reason "..."'],
}

/** What opens a gate: what it waits for, or an operator's word. */
function openWith({ flags }: Engine, { integration, cohort, requested }: Decision): readonly string[] {
  const { hold } = flags.gateBook.mark(integration, cohort)
  const force = `crossfade gates force ${integration} ${requested} --cohort ${cohort} --execute --reason "..."`
  return [...new Set(hold?.waits.map(({ next }) => next)), force]
}

const liftCommand = ({ integration, cohort }: Cap): string =>
  `crossfade lift ${integration === EVERY_INTEGRATION ? '--all' : integration}${cohort === null ? '' : ` --cohort ${cohort}`}`
