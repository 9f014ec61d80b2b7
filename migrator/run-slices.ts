import type { Clock } from '../core/clock.ts'
import { isFault } from '../core/fault.ts'
import type { RunEnding, RunRecords, RunRow, Wanted } from '../ledger/postgres/runs.ts'
import type { MigratorMetrics } from './metrics.ts'
import type { Place, RunRequest, SliceEnd, SliceOptions } from './migrate.ts'
import { persist } from './patience.ts'
import type { Progress } from './progress.ts'
import type { RunKind, Stage } from './stages.ts'

/*
 * One slice of a run: take it for a lease, go on from where the slice before stopped, and leave what the next one needs in
 * the commit that asks for it. Beside the work a pulse renews the lease, keeps what was told, and hears what the run shall
 * do: pause and the end of the slice stop it between two steps, cancel at once. A slice whose process dies leaves the run
 * where it began; a slice that lost its lease stops, and what it did meanwhile is what any two slices may do at once.
 */
export interface SliceDeps {
  readonly records: RunRecords
  readonly run: (request: RunRequest, place: Place, options: SliceOptions) => Promise<SliceEnd>
  /** Asks for the next slice. */
  readonly next: (query: Parameters<Parameters<RunRecords['wake']>[1]>[0], run: string) => Promise<void>
  /** Called in each slice that copies: others may help. */
  readonly onCopying?: (run: RunRow) => Promise<void>
  readonly metrics: Pick<MigratorMetrics, 'runs' | 'active'>
  readonly clock: Clock
  /** ms of a slice, and of the lease for which it has the run. */
  readonly slice: number
  readonly lease: number
  readonly patience: number
}

/** ms between two beats of the pulse: how soon a pause is heard. */
const PULSE = 250

/** Does a slice of the run if it may. `stop`: this process ends, and leaves it to others. Never rejects. */
export async function runOneSlice(deps: SliceDeps, id: string, holder: string, stop: AbortSignal): Promise<void> {
  const { records, clock } = deps
  const sent = clock.monotonic()
  const row = await records.take(id, holder, deps.lease).catch(() => null)
  if (row === null) return
  const kind = row.kind as RunKind
  const pulse = makePulse(deps, row, holder, sent)
  const stopped = (): void => pulse.over.abort()
  stop.addEventListener('abort', stopped)
  if (stop.aborted) stopped()
  deps.metrics.active.inc({ kind })
  try {
    const { integration, repair, actor, reason } = row
    const request = { integration, kind, repair, actor, reason, stages: row.stages as readonly Stage[] }
    const end = await deps.run(request, row.place as Place, pulse.options)
    await pulse.stop()
    await finish(deps, row, holder, end)
  } catch (error) {
    await pulse.stop()
    const ending = failure(error, pulse.hard, pulse.progress(), row.place)
    // Lost, or out of reach of the ledger: whoever has it now, or finds it asleep, goes on.
    if (ending !== null) await endIt(deps, row, holder, ending)
  } finally {
    stop.removeEventListener('abort', stopped)
    deps.metrics.active.dec({ kind })
  }
}

async function finish(deps: SliceDeps, row: RunRow, holder: string, end: SliceEnd): Promise<void> {
  const { records } = deps
  if (end.kind === 'more') {
    const { place } = end
    await step(deps, () => records.release(row.id, holder, place, place.progress, deps.next))
    return
  }
  const { outcome: state, stage, message, verified, report, progress } = end.result
  const place: Place = { stage, from: null, progress: null }
  await endIt(deps, row, holder, { state, place, progress, message, verified, report })
}

async function endIt(deps: SliceDeps, row: RunRow, holder: string, ending: RunEnding): Promise<void> {
  const ended = await step(deps, () => deps.records.end(row.id, holder, ending))
  if (ended === true) deps.metrics.runs.inc({ kind: row.kind, outcome: ending.state })
}

/** Undefined when the ledger was away for longer than patience: the run is found asleep later. */
const step = <T>(deps: SliceDeps, work: () => Promise<T>): Promise<T | undefined> =>
  persist(deps, new AbortController().signal, work).catch(() => undefined)

class Lost extends Error {}
class Cancelled extends Error {}

function makePulse(deps: SliceDeps, row: RunRow, holder: string, taken: number) {
  const { clock, records, lease } = deps
  const over = new AbortController()
  const hard = new AbortController()
  const ended = new AbortController()
  let progress = row.progress as Progress | null
  let helped = row.helped
  let until = taken + lease
  let asked = false

  const hear = (
    told: { readonly wanted: Wanted; readonly by: string | null; readonly helped: number } | null,
  ): void => {
    if (told === null) hard.abort(new Lost())
    if (told === null) return
    helped = told.helped
    if (told.wanted === 'pause') over.abort()
    if (told.wanted === 'cancel') hard.abort(new Cancelled(`cancelled by ${told.by}`))
  }
  const beat = async (): Promise<void> => {
    const sent = clock.monotonic()
    if (clock.monotonic() - taken >= deps.slice) over.abort()
    try {
      hear(await records.keep(row.id, holder, lease, progress))
      until = sent + lease
      if (progress?.stage === 'backfill' && !asked) {
        asked = true
        await deps.onCopying?.({ ...row, progress })
      }
    } catch {
      if (clock.monotonic() > until) hard.abort(new Lost())
    }
  }
  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(PULSE, ended.signal).catch(() => undefined)
      if (!ended.signal.aborted) await beat()
    }
  }
  const running = run()
  const emit = (told: Progress): void => {
    progress = told
  }
  return {
    over,
    hard: hard.signal,
    options: { signal: hard.signal, over: over.signal, emit, helped: () => helped } satisfies SliceOptions,
    progress: () => progress,
    stop: async () => {
      ended.abort()
      await running
    },
  }
}

/** The detail of a fault is safe to show; of any other error only its kind is. Null: the run has not ended. */
function failure(error: unknown, hard: AbortSignal, progress: Progress | null, was: unknown): RunEnding | null {
  const place = { ...(was as Place), stage: progress?.stage ?? (was as Place).stage }
  const kept = { place, progress, verified: null, report: null }
  if (hard.aborted) {
    const why: unknown = hard.reason
    return why instanceof Cancelled ? { ...kept, state: 'cancelled', message: why.message } : null
  }
  if (!isFault(error)) {
    return { ...kept, state: 'failed', message: `unexpected: ${error instanceof Error ? error.name : typeof error}` }
  }
  if (error.code === 'ledger-unavailable') return null
  return { ...kept, state: 'failed', message: `${error.code}: ${error.detail}` }
}
