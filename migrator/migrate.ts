import type { Clock } from '../core/clock.ts'
import type { Counts } from '../ledger/postgres/progress.ts'
import { ABANDON } from './abandon.ts'
import { backfill } from './backfill.ts'
import type { MigratorDeps } from './deps.ts'
import { enrol } from './enrol.ts'
import { FINALIZE } from './finalize.ts'
import { takeInventory } from './inventory.ts'
import { type CompletionReport, drain, drop, type Leaving, pin, prove } from './leave.ts'
import { makeReporter, type Progress, type Reporter } from './progress.ts'
import { ORDERS, type RunKind, type Stage, type Watch } from './stages.ts'
import { type VerifyResult, verify } from './verify.ts'

/** How a run ended by itself. `partial`: resumable, the message says what stood in the way. */
export interface RunResult {
  readonly outcome: 'done' | 'mismatches' | 'partial'
  /** The last stage that ran. */
  readonly stage: Stage
  readonly message: string | null
  readonly verified: VerifyResult | null
  readonly counts: Counts | null
  /** After finalize and abandon. */
  readonly report: CompletionReport | null
}

export interface RunRequest {
  readonly integration: string
  readonly kind: RunKind
  /** Verify also repairs what it can. */
  readonly repair?: boolean
  /** For the events of finalize and abandon. */
  readonly actor?: string
  readonly reason?: string | null
}

interface Step {
  readonly outcome: RunResult['outcome']
  readonly message: string | null
  readonly verified?: VerifyResult
  readonly report?: CompletionReport | null
}

const DONE: Step = { outcome: 'done', message: null }
const partial = (message: string): Step => ({ outcome: 'partial', message })
const unless = (message: string | null): Step => (message === null ? DONE : partial(message))

function leaving(deps: MigratorDeps, request: RunRequest, watch: Watch): Leaving {
  const { integration, kind, actor = 'migrator', reason = null } = request
  return { deps, exit: kind === 'abandon' ? ABANDON : FINALIZE, integration, note: { actor, reason }, watch }
}

const STEPS: Readonly<Record<Stage, (deps: MigratorDeps, request: RunRequest, watch: Watch) => Promise<Step>>> = {
  enrol: async (deps, { integration }, watch) => {
    await enrol(deps, integration, watch)
    return DONE
  },
  inventory: async (deps, { integration }, watch) => {
    const result = await takeInventory(deps, integration, watch)
    return result.kind === 'done' ? DONE : partial(`the ${result.side} store did not list its names: ${result.reason}`)
  },
  backfill: async (deps, { integration, kind }, watch) => {
    const { source } = ORDERS[kind]
    const result = await backfill(deps, { integration, source }, watch)
    return result.kind === 'done' ? DONE : partial(`${result.left} secrets could not be settled: ${result.reason}`)
  },
  verify: async (deps, { integration, repair = false }, watch) => {
    const verified = await verify(deps, integration, watch, { repair })
    if (verified.kind === 'partial') return { ...partial(`verify stopped: ${verified.reason}`), verified }
    const wrong = Object.values(verified.mismatches).reduce((sum, n) => sum + n, 0)
    if (wrong === 0) return { ...DONE, verified }
    const message = `${wrong} secrets differ between the sides, ${verified.repaired} of them were repaired`
    return { outcome: wrong === verified.repaired ? 'done' : 'mismatches', message, verified }
  },
  prove: async (...run) => unless(await prove(leaving(...run))),
  drain: async (...run) => unless(await drain(leaving(...run))),
  switch: async (...run) => unless(await pin(leaving(...run))),
  drop: async (...run) => ({ ...DONE, report: await drop(leaving(...run)) }),
}

/**
 * Runs the stages of one kind of run in their order, until one does not end well. Every stage looks at what is durable,
 * so that the same call again goes on where this one stopped, or was killed. Rejects when aborted, and as the stages do.
 */
export async function migrate(
  deps: MigratorDeps,
  request: RunRequest,
  { signal, emit }: { readonly signal: AbortSignal; readonly emit: (progress: Progress) => void },
): Promise<RunResult> {
  const { stages } = ORDERS[request.kind]
  const { integration } = request
  const reporter = makeReporter({ integration, stage: stages[0], clock: deps.clock, emit })
  const sampler = makeSampler(deps, integration, reporter)
  const watch: Watch = {
    signal,
    waiting: reporter.waiting,
    progress: (done, total) => {
      sampler.look()
      reporter.progress(done, total)
    },
  }
  let step = DONE
  let stage: Stage = stages[0]
  for (stage of stages) {
    signal.throwIfAborted()
    reporter.stage(stage)
    step = await STEPS[stage](deps, request, watch)
    if (step.outcome !== 'done') break
  }
  await sampler.last()
  reporter.end()
  const { counts } = reporter.latest
  const { outcome, message, verified = null, report = null } = step
  return { outcome, message, stage, verified, counts, report }
}

interface Sampler {
  look(): void
  last(): Promise<void>
}

/** Counting a million rows takes a while: at most a twentieth of the time goes into it, and a failure is no matter. */
function makeSampler(deps: MigratorDeps, integration: string, reporter: Reporter): Sampler {
  let next = Number.NEGATIVE_INFINITY
  let sampling: Promise<void> = Promise.resolve()
  const sample = async (clock: Clock): Promise<void> => {
    const started = clock.monotonic()
    next = Number.POSITIVE_INFINITY
    const counts = await deps.counts(integration).catch(() => null)
    if (counts !== null) reporter.counts(counts)
    next = clock.monotonic() + Math.max(1000, 20 * (clock.monotonic() - started))
  }
  return {
    look: () => {
      if (deps.clock.monotonic() >= next) sampling = sample(deps.clock)
    },
    last: async () => {
      await sampling
      await sample(deps.clock)
    },
  }
}
