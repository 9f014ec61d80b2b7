import { migratorFault } from '../../migrator/faults.ts'
import { backOut, factsOf, missingOf } from '../../migrator/leave.ts'
import { EXITS, planLeave } from '../../migrator/leave-plan.ts'
import { type MigrationPlan, plan } from '../../migrator/plan.ts'
import type { Run } from '../../migrator/runs.ts'
import type { CopyKind, LeaveKind } from '../../migrator/stages.ts'
import type { MigratePort } from '../../proxy/ops/ports.ts'
import type { Leave, Migrate, Plan, Run as ShownRun, Started, Verify } from '../../proxy/ops/work.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'

export function makeMigratePort(engine: Engine): MigratePort {
  const { config, migratorDeps, runs, flags } = engine
  const phases = (name: string) => flags.outlook(name).map(({ cohort, runs: phase }) => `${cohort} runs ${phase}`)
  const planDeps = { ...migratorDeps, phases }
  const start = async (
    kind: CopyKind,
    { integration, execute, reason, repair = false }: Migrate & Partial<Pick<Verify, 'repair'>>,
    by: string,
  ): Promise<Started> => {
    if (config.integrations[integration] === undefined) throw serveFault('not-configured', `integration ${integration}`)
    if (!execute) return showPlan(await plan(planDeps, integration, kind))
    const running = runs.get(integration)
    if (running?.outcome === 'running' && running.what === kind) return showRun(running)
    return showRun(await runs.start({ integration, kind, actor: by, reason: reason ?? null, repair }))
  }
  const leave = async (kind: LeaveKind, request: Leave, by: string): Promise<Started> => {
    const { integration, execute, abort, reason = null } = request
    if (config.integrations[integration] === undefined) throw serveFault('not-configured', `integration ${integration}`)
    const planned = async () => showPlan(await planLeave(planDeps, integration, kind))
    if (!execute) return planned()
    const running = runs.get(integration)
    if (abort) {
      if (running?.what === kind && runs.cancel(integration)) await runs.ended(integration)
      await backOut(migratorDeps, EXITS[kind], integration, { actor: by, reason })
      return planned()
    }
    if (running?.outcome === 'running' && running.what === kind) return showRun(running)
    // Judged here too, so that a refusal is the answer and not the end of a run.
    const missing = missingOf(EXITS[kind], await factsOf(migratorDeps, EXITS[kind], integration))
    if (missing.length > 0) throw migratorFault('proof-missing', missing.map(({ why }) => why).join('; '))
    return showRun(await runs.start({ integration, kind, actor: by, reason }))
  }
  return {
    migrate: (request, by) => start('migrate', request, by),
    verify: (request, by) => start('verify', request, by),
    finalize: (request, by) => leave('finalize', request, by),
    abandon: (request, by) => leave('abandon', request, by),
    progress: async (integration) => {
      const run = runs.get(integration)
      return run === null ? null : showRun(run)
    },
  }
}

const showPlan = ({ integration, stages, counts, names, missing, risks, next }: MigrationPlan): Plan => ({
  kind: 'plan',
  integration,
  stages: stages.map(({ stage, what, needed }) => ({ stage, what, needed })),
  counts,
  ...(names === undefined ? {} : { names }),
  ...(missing === undefined ? {} : { missing: [...missing] }),
  risks: [...risks],
  next: [...next],
})

const iso = (at: number): string => new Date(at).toISOString()

const showRun = (run: Run): ShownRun => ({
  kind: 'run',
  run: run.run,
  integration: run.integration,
  what: run.what === 'reverse' ? 'migrate' : run.what,
  outcome: run.outcome,
  stage: run.stage,
  done: run.done,
  total: run.total,
  per_second: run.perSecond,
  eta_seconds: run.etaSeconds,
  throttled_by: run.throttledBy,
  counts: run.counts,
  message: run.message,
  ...(run.report === null ? {} : { report: run.report as NonNullable<ShownRun['report']> }),
  started_at: iso(run.startedAt),
  ended_at: run.endedAt === null ? null : iso(run.endedAt),
})
