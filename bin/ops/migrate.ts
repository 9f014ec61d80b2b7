import { ledgerFault } from '../../ledger/faults.ts'
import { migratorFault } from '../../migrator/faults.ts'
import { backOut, factsOf, missingOf } from '../../migrator/leave.ts'
import { EXITS, planLeave } from '../../migrator/leave-plan.ts'
import { stagesOf } from '../../migrator/migrate.ts'
import { lackOf, type MigrationPlan, plan } from '../../migrator/plan.ts'
import { rowOf } from '../../migrator/row.ts'
import { isOpen, type Run, type RunOrder } from '../../migrator/runs.ts'
import type { CopyKind, CopyStage, LeaveKind } from '../../migrator/stages.ts'
import { wayOn } from '../../migrator/way-on.ts'
import type { MigratePort } from '../../proxy/ops/ports.ts'
import type { Leave, Plan, Run as ShownRun, Started } from '../../proxy/ops/work.ts'
import type { Engine } from '../serve/engine.ts'
import { assertIntegration, select } from './select.ts'

export function makeMigratePort(engine: Engine): MigratePort {
  const { config, migratorDeps, flags } = engine
  const { runs } = engine.work
  const phases = (name: string) => flags.outlook(name).map(({ cohort, runs: phase }) => `${cohort} runs ${phase}`)
  const planDeps = { ...migratorDeps, phases }
  const showAll = makeShowRuns(engine)
  const show = async (run: Run): Promise<ShownRun> => (await showAll([run]))[0] as ShownRun

  /** The run that was asked for, or the same one that has not ended; a paused one goes on. */
  const begin = async (order: RunOrder): Promise<ShownRun> => {
    const { kind, run } = await runs.start(order)
    if (kind === 'created') return show(run)
    const same = run.what === order.kind && run.stages.join() === stagesOf(order).join()
    if (!same)
      throw migratorFault('run-active', `${run.what} of ${run.integration} has not ended: it is ${run.outcome}`)
    return show(run.outcome === 'paused' ? ((await runs.resume(run.integration, order.actor)) ?? run) : run)
  }
  const copy = async (
    kind: CopyKind,
    { integration, execute, reason, ...rest }: Copy,
    by: string,
  ): Promise<Started> => {
    assertIntegration(config, integration)
    const { stage, repair = false } = rest
    const only = stage === undefined ? {} : { stages: [stage] }
    if (!execute) return showPlan(await plan(planDeps, integration, kind, only.stages))
    // Refused here, so that it is the answer and not the end of a run.
    const row = await rowOf(migratorDeps, integration)
    const lack = lackOf(row, stagesOf({ kind, ...only }))
    if (lack !== null) {
      const way = wayOn(integration, row?.state ?? 'bare')
      throw ledgerFault('stage-refused', way === null ? lack : `${lack}: ${way}`)
    }
    return begin({ integration, kind, actor: by, reason: reason ?? null, repair, ...only })
  }
  const leave = async (kind: LeaveKind, request: Leave, by: string): Promise<Started> => {
    const { integration, execute, abort, reason = null } = request
    assertIntegration(config, integration)
    const planned = async () => showPlan(await planLeave(planDeps, integration, kind))
    if (!execute) return planned()
    const running = await runs.get(integration)
    const isOwn = running !== null && isOpen(running) && running.what === kind
    if (abort) {
      if (isOwn) await runs.cancel(integration, by)
      if (isOwn) await runs.atRest(integration, PATIENCE_MS)
      await backOut(migratorDeps, EXITS[kind], integration, { actor: by, reason })
      return planned()
    }
    // Judged here too, so that a refusal is the answer and not the end of a run.
    const missing = isOwn ? [] : missingOf(EXITS[kind], await factsOf(migratorDeps, EXITS[kind], integration))
    if (missing.length > 0) throw migratorFault('proof-missing', missing.map(({ why }) => why).join('; '))
    return begin({ integration, kind, actor: by, reason })
  }
  return {
    migrate: (request, by) => copy('migrate', request, by),
    verify: (request, by) => copy('verify', request, by),
    reverse: (request, by) => copy('reverse', request, by),
    finalize: (request, by) => leave('finalize', request, by),
    abandon: (request, by) => leave('abandon', request, by),
    progress: async (integration) => {
      assertIntegration(config, integration)
      const run = await runs.get(integration)
      return run === null ? null : show(run)
    },
    runs: async (selector) => showAll(await runs.list(select(config, selector))),
    change: async ({ selector, change }, by) => {
      const open = (await runs.list(select(config, selector))).filter(isOpen)
      const changed = await Promise.all(
        open.map(async ({ integration }) => {
          if ((await runs[change](integration, by)) === null) return null
          // Resumed it may be held for long; stopped it is held for a step or two.
          return change === 'resume' ? runs.get(integration) : runs.atRest(integration, PATIENCE_MS)
        }),
      )
      return showAll(changed.filter((run) => run !== null))
    },
  }
}

/** ms that an operator waits for a run to stop; it stops all the same. */
const PATIENCE_MS = 10_000

interface Copy {
  readonly integration: string
  readonly execute: boolean
  readonly reason?: string | undefined
  readonly stage?: CopyStage | undefined
  readonly repair?: boolean | undefined
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

/** Runs that nobody works on say so, if there is nobody. */
const makeShowRuns =
  ({ work }: Engine) =>
  async (all: readonly Run[]): Promise<ShownRun[]> => {
    const alone = all.some(isWaiting) && (await work.registry.live()) === 0
    return all.map((run) => showRun(alone && isWaiting(run) ? { ...run, throttledBy: NO_WORKER } : run))
  }

const isWaiting = (run: Run): boolean => isOpen(run) && !run.held && run.outcome !== 'paused'

const NO_WORKER = 'no worker is alive: start crossfade serve or crossfade worker'

const showRun = (run: Run): ShownRun => ({
  kind: 'run',
  run: run.run,
  integration: run.integration,
  what: run.what,
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
