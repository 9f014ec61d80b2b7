import { type MigrationPlan, plan } from '../../migrator/plan.ts'
import type { Run } from '../../migrator/runs.ts'
import type { RunKind } from '../../migrator/stages.ts'
import type { MigratePort } from '../../proxy/ops/ports.ts'
import type { Plan, Run as ShownRun } from '../../proxy/ops/work.ts'
import type { Engine } from '../serve/engine.ts'
import { serveFault } from '../serve/faults.ts'

export function makeMigratePort(engine: Engine): MigratePort {
  const { config, migratorDeps, runs, flags } = engine
  const planned = async (integration: string, kind: RunKind): Promise<Plan> => {
    const phases = (name: string) => flags.outlook(name).map(({ cohort, runs: phase }) => `${cohort} runs ${phase}`)
    return showPlan(await plan({ ...migratorDeps, phases }, integration, kind))
  }
  const start = async (
    integration: string,
    kind: RunKind,
    execute: boolean,
    by: string,
    reason: string | undefined,
  ) => {
    if (config.integrations[integration] === undefined) throw serveFault('not-configured', `integration ${integration}`)
    if (!execute) return planned(integration, kind)
    const running = runs.get(integration)
    if (running?.outcome === 'running' && running.what === kind) return showRun(running)
    return showRun(await runs.start({ integration, kind, actor: by, reason: reason ?? null }))
  }
  return {
    migrate: ({ integration, execute, reason }, by) => start(integration, 'migrate', execute, by, reason),
    verify: ({ integration, execute, reason }, by) => start(integration, 'verify', execute, by, reason),
    progress: async (integration) => {
      const run = runs.get(integration)
      return run === null ? null : showRun(run)
    },
  }
}

const showPlan = ({ integration, stages, counts, risks, next }: MigrationPlan): Plan => ({
  kind: 'plan',
  integration,
  stages: stages.map(({ stage, what, needed }) => ({ stage, what, needed })),
  counts,
  risks: [...risks],
  next: [...next],
})

const iso = (at: number): string => new Date(at).toISOString()

const showRun = (run: Run): ShownRun => ({
  kind: 'run',
  run: run.run,
  integration: run.integration,
  what: run.what === 'verify' ? 'verify' : 'migrate',
  outcome: run.outcome,
  stage: run.stage,
  done: run.done,
  total: run.total,
  per_second: run.perSecond,
  eta_seconds: run.etaSeconds,
  throttled_by: run.throttledBy,
  counts: run.counts,
  message: run.message,
  started_at: iso(run.startedAt),
  ended_at: run.endedAt === null ? null : iso(run.endedAt),
})
