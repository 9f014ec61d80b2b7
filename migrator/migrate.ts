import type { Clock } from '../core/clock.ts'
import type { Counts } from '../ledger/postgres/progress.ts'
import { ABANDON } from './abandon.ts'
import { backfill } from './backfill.ts'
import type { MigratorDeps } from './deps.ts'
import { enrol } from './enrol.ts'
import { FINALIZE } from './finalize.ts'
import { takeInventory } from './inventory.ts'
import { type CompletionReport, drain, drop, type Leaving, pin, prove, type Way } from './leave.ts'
import { untilOver } from './patience.ts'
import { makeReporter, type Progress, type Reporter } from './progress.ts'
import { type More, ORDERS, type RunKind, type Stage, type Watch } from './stages.ts'
import { unaddressedWords } from './unaddressed.ts'
import { verify } from './verify.ts'
import type { VerifyResult } from './verify-page.ts'

/** How a run ended by itself. `partial`: resumable, the message says what stood in the way. */
export interface RunResult {
  readonly outcome: 'done' | 'mismatches' | 'partial'
  /** The last stage that ran. */
  readonly stage: Stage
  readonly message: string | null
  readonly verified: VerifyResult | null
  readonly counts: Counts | null
  /** What was told last. */
  readonly progress: Progress
  /** After finalize and abandon. */
  readonly report: CompletionReport | null
}

export interface RunRequest {
  readonly integration: string
  readonly kind: RunKind
  /** Only these stages of its kind; left out: all of them. */
  readonly stages?: readonly Stage[]
  /** Verify also repairs what it can. */
  readonly repair?: boolean
  /** For the events of finalize and abandon. */
  readonly actor?: string
  readonly reason?: string | null
}

/** Where a run goes on: what a slice leaves to the next one. Plain data. */
export interface Place {
  readonly stage: Stage
  /** In the stage's own form; null: it begins. */
  readonly from: unknown
  /** Told last; the figures of a stage go on with it. */
  readonly progress: Progress | null
}

export type SliceEnd =
  | { readonly kind: 'more'; readonly place: Place }
  | { readonly kind: 'ended'; readonly result: RunResult }

export interface SliceOptions {
  /** Cancelled, or somebody else's by now: the slice rejects. */
  readonly signal: AbortSignal
  /** The time of the slice is up: it stops where another one can go on. */
  readonly over: AbortSignal
  readonly emit: (progress: Progress) => void
  /** Secrets of the stage that helpers beside this slice have settled. */
  readonly helped: () => number
}

interface Step {
  readonly outcome: RunResult['outcome']
  readonly message: string | null
  readonly verified?: VerifyResult
  readonly report?: CompletionReport | null
}

const DONE: Step = { outcome: 'done', message: null }
const partial = (message: string): Step => ({ outcome: 'partial', message })
const unless = (way: Way): Step | More => {
  if (way === null) return DONE
  return typeof way === 'string' ? partial(way) : way
}

function leaving(deps: MigratorDeps, request: RunRequest, watch: Watch): Leaving {
  const { integration, kind, actor = 'migrator', reason = null } = request
  return { deps, exit: kind === 'abandon' ? ABANDON : FINALIZE, integration, note: { actor, reason }, watch }
}

type RunStage = (deps: MigratorDeps, request: RunRequest, watch: Watch) => Promise<Step | More>

const STEPS: Readonly<Record<Stage, RunStage>> = {
  enrol: async (deps, { integration }, watch) => {
    const work = (signal: AbortSignal) => enrol(deps, integration, { ...watch, signal })
    return (await untilOver(watch, work)) === 'over' ? { kind: 'more', at: null } : DONE
  },
  inventory: async (deps, { integration }, watch) => {
    const result = await takeInventory(deps, integration, watch)
    if (result.kind === 'more') return result
    return result.kind === 'done' ? DONE : partial(`the ${result.side} store did not list its names: ${result.reason}`)
  },
  backfill: async (deps, { integration, kind }, watch) => {
    const { source } = ORDERS[kind]
    const result = await backfill(deps, { integration, source }, watch)
    if (result.kind === 'more') return result
    return result.kind === 'done' ? DONE : partial(`${result.left} secrets could not be settled: ${result.reason}`)
  },
  verify: async (deps, { integration, repair = false }, watch) => {
    const verified = await verify(deps, integration, watch, { repair })
    if (verified.kind === 'more') return verified
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

export const stagesOf = ({ kind, stages }: Pick<RunRequest, 'kind' | 'stages'>): readonly Stage[] =>
  stages ?? ORDERS[kind].stages

/** Where a run begins. */
export const firstPlace = (request: Pick<RunRequest, 'kind' | 'stages'>): Place => ({
  stage: stagesOf(request)[0] as Stage,
  from: null,
  progress: null,
})

/**
 * Runs the stages of a run from `place` on in their order, until the slice is over or one does not end well. Every stage
 * looks at what is durable, so that the same call again goes on where this one stopped, or was killed. Rejects when
 * aborted, and as the stages do.
 */
export async function runSlice(
  deps: MigratorDeps,
  request: RunRequest,
  place: Place,
  { signal, over, emit, helped }: SliceOptions,
): Promise<SliceEnd> {
  const { integration } = request
  const reporter = makeReporter({ integration, ...place, clock: deps.clock, emit })
  const sampler = makeSampler(deps, integration, reporter)
  let step = DONE
  let { stage, from } = place
  const stages = stagesOf(request)
  for (stage of stages.slice(stages.indexOf(place.stage))) {
    signal.throwIfAborted()
    reporter.stage(stage)
    const progress: Watch['progress'] = (done, total) => {
      sampler.look()
      reporter.progress(done, total)
    }
    const { waiting, throttled } = reporter
    const ended = await STEPS[stage](deps, request, { signal, over, from, helped, waiting, throttled, progress })
    if ('kind' in ended) {
      await sampler.idle()
      return { kind: 'more', place: { stage, from: ended.at, progress: reporter.latest } }
    }
    from = null
    step = ended
    if (step.outcome !== 'done') break
  }
  await sampler.last()
  reporter.end()
  const progress = reporter.latest
  const { counts } = progress
  const { outcome, verified = null, report = null } = step
  const message =
    step.message ?? (request.kind === 'migrate' ? unaddressedWords(await deps.unaddressed(integration)) : null)
  return { kind: 'ended', result: { outcome, message, stage, verified, counts, progress, report } }
}

/** The whole run in one slice that is never over. */
export async function migrate(
  deps: MigratorDeps,
  request: RunRequest,
  { signal, emit }: Pick<SliceOptions, 'signal' | 'emit'>,
): Promise<RunResult> {
  const over = new AbortController().signal
  const end = await runSlice(deps, request, firstPlace(request), { signal, over, emit, helped: () => 0 })
  if (end.kind === 'more') throw new TypeError('a slice without an end ended')
  return end.result
}

interface Sampler {
  look(): void
  /** Resolves when no count is on its way. */
  idle(): Promise<void>
  last(): Promise<void>
}

/** Counting a million rows takes a while: at most a twentieth of the time goes into it, and a failure is no matter. */
function makeSampler(deps: MigratorDeps, integration: string, reporter: Reporter): Sampler {
  let next = reporter.latest.countAt
  let sampling: Promise<void> = Promise.resolve()
  const sample = async ({ monotonic, wall }: Clock): Promise<void> => {
    const started = monotonic()
    next = Number.POSITIVE_INFINITY
    const counts = await deps.counts(integration).catch(() => null)
    next = wall() + Math.max(1000, 20 * (monotonic() - started))
    if (counts !== null) reporter.counts(counts, next)
  }
  return {
    look: () => {
      if (deps.clock.wall() >= next) sampling = sample(deps.clock)
    },
    idle: () => sampling,
    last: async () => {
      await sampling
      await sample(deps.clock)
    },
  }
}
