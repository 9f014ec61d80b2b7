import { ABANDON, abandonRisks } from './abandon.ts'
import { FINALIZE, finalizeRisks } from './finalize.ts'
import { type Exit, factsOf, type LeaveDeps, type LeaveFacts, missingOf } from './leave.ts'
import type { MigrationPlan, PlanDeps, PlannedStage } from './plan.ts'
import type { LeaveKind, LeaveStage } from './stages.ts'

export const EXITS = { finalize: FINALIZE, abandon: ABANDON } as const satisfies Record<LeaveKind, Exit>

/** What finalize or abandon would do, and all that is missing before it may. Making it writes nothing. */
export async function planLeave(
  deps: PlanDeps & Pick<LeaveDeps, 'proof' | 'outlook' | 'soaking' | 'endsKey' | 'unaddressed' | 'acceptedUnaddressed'>,
  integration: string,
  kind: LeaveKind,
): Promise<MigrationPlan> {
  const exit = EXITS[kind]
  const facts = await factsOf(deps, exit, integration)
  const missing = missingOf(exit, facts)
  const stores = deps.stores(integration)
  const endsKey = kind === 'finalize' && facts.state !== exit.end && (await deps.endsKey(integration))
  const run = `crossfade ${kind} ${integration} --execute --reason "..."`
  return {
    kind: 'plan',
    integration,
    what: kind,
    state: facts.state,
    stores: { legacy: stores.legacy.name, new: stores.new.name },
    stages: stagesOf(exit, facts),
    counts: facts.state === 'bare' || facts.state === 'finalized' ? null : await deps.counts(integration),
    names: { legacy: null, new: null },
    phases: deps.phases(integration),
    missing: missing.map(({ why }) => why),
    risks: facts.state === exit.end ? [] : kind === 'finalize' ? finalizeRisks(facts, endsKey) : abandonRisks(facts),
    next: missing.length > 0 ? [...new Set(missing.map(({ next }) => next))] : facts.state === exit.end ? [] : [run],
  }
}

function stagesOf(exit: Exit, { state, obstacles }: LeaveFacts): readonly PlannedStage[] {
  const { side, phase, leaving, pinned, end } = exit
  const over = state === end
  const what: Readonly<Record<LeaveStage, readonly [string, boolean]>> = {
    prove: [`see that ${side} holds every latest value and that nothing is in doubt`, !over && state !== pinned],
    drain: [
      `${leaving}: every replica runs ${phase}; settle ${obstacles.owed} secrets that ${side} owes`,
      !over && state !== pinned,
    ],
    switch: [`${pinned}: every replica drops its memory and reads ${side} alone`, !over],
    drop: [
      `${end}: keep a report, then purge the names and fingerprints of ${obstacles.rows} secrets from the ledger`,
      !over,
    ],
  }
  return Object.entries(what).map(([stage, [text, needed]]) => ({ stage: stage as LeaveStage, what: text, needed }))
}
