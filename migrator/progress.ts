import type { Clock } from '../core/clock.ts'
import type { Counts } from '../ledger/postgres/progress.ts'
import { THROTTLE_WORDS, type Throttle } from './pace/pace.ts'
import type { Stage } from './stages.ts'

/** How far a run has come; `done` of `total` is of the stage. */
export interface Progress {
  readonly integration: string
  readonly stage: Stage
  readonly done: number
  /** Null while it is not known. */
  readonly total: number | null
  /** A second, smoothed; null before there is a figure. */
  readonly rate: number | null
  /** Seconds; null before 1 % is done, and while nothing moves. */
  readonly eta: number | null
  readonly counts: Counts | null
  /** When they may be counted again, in ms since the epoch: a count of many rows takes its time. */
  readonly countAt: number
  readonly state: 'running' | 'waiting' | 'ended'
  /** Who or what is waited for. */
  readonly waitingFor: readonly string[]
  /** What the pace holds it back by; null: nothing. */
  readonly throttledBy: Throttle | null
}

/** A rate as an exponentially weighted mean; pure. */
export interface Meter {
  readonly at: number
  readonly done: number
  /** A second. */
  readonly rate: number | null
}

/** Weight halves in this many ms, so that a pause of one batch does not throw the estimate about. */
const HALF_LIFE = 5000
/** Shorter intervals than this say nothing about a rate. */
const SHORTEST = 50

export const startMeter = (at: number, done = 0, rate: number | null = null): Meter => ({ at, done, rate })

export function advance(meter: Meter, at: number, done: number): Meter {
  const elapsed = at - meter.at
  if (elapsed < SHORTEST) return meter
  const now = Math.max(0, ((done - meter.done) * 1000) / elapsed)
  const weight = meter.rate === null ? 1 : 1 - 0.5 ** (elapsed / HALF_LIFE)
  return { at, done, rate: (meter.rate ?? 0) * (1 - weight) + now * weight }
}

/** Seconds until `total`, or null: nobody knows yet. */
export function estimate(rate: number | null, done: number, total: number | null): number | null {
  if (total === null) return null
  if (done >= total) return 0
  if (rate === null || rate <= 0 || done < total / 100) return null
  return (total - done) / rate
}

export interface Reporter {
  stage(stage: Stage): void
  progress(done: number, total: number | null): void
  waiting(what: readonly string[]): void
  throttled(by: Throttle | null): void
  counts(counts: Counts, countAt: number): void
  end(): void
  readonly latest: Progress
}

export interface ReporterOptions {
  readonly integration: string
  readonly stage: Stage
  readonly clock: Pick<Clock, 'monotonic'>
  readonly emit: (progress: Progress) => void
  /** ms; changes of stage or state are told at once. */
  readonly every?: number
  /** What a slice before this one told last: the figures of its stage go on. */
  readonly progress?: Progress | null
}

/** Turns what stages tell into progress events, at most one each `every` ms. */
export function makeReporter(options: ReporterOptions): Reporter {
  const { integration, stage, clock, emit, every = 250, progress = null } = options
  let latest = progress ?? fresh(integration, stage, null, 0)
  let meter = startMeter(clock.monotonic(), latest.done, latest.rate)
  let told = Number.NEGATIVE_INFINITY

  const tell = (change: Partial<Progress>, now = false): void => {
    latest = { ...latest, ...change }
    const at = clock.monotonic()
    if (!now && at - told < every) return
    told = at
    emit(latest)
  }

  return {
    stage: (next) => {
      if (progress !== null && next === latest.stage) return
      meter = startMeter(clock.monotonic())
      tell(fresh(integration, next, latest.counts, latest.countAt), true)
    },
    progress: (done, total) => {
      meter = advance(meter, clock.monotonic(), done)
      tell({ done, total, rate: meter.rate, eta: estimate(meter.rate, done, total) })
    },
    waiting: (what) => {
      const same = what.length === latest.waitingFor.length && what.every((w, i) => w === latest.waitingFor[i])
      if (!same) tell({ state: what.length > 0 ? 'waiting' : 'running', waitingFor: what }, true)
    },
    throttled: (throttledBy) => tell({ throttledBy }),
    counts: (counts, countAt) => tell({ counts, countAt }),
    end: () => tell({ state: 'ended', waitingFor: [], throttledBy: null, eta: null }, true),
    get latest() {
      return latest
    },
  }
}

const fresh = (integration: string, stage: Stage, counts: Counts | null, countAt: number): Progress => ({
  integration,
  stage,
  done: 0,
  total: null,
  rate: null,
  eta: null,
  counts,
  countAt,
  state: 'running',
  waitingFor: [],
  throttledBy: null,
})

/** Who or what holds a run up: what is waited for, else what it is throttled by; null: nothing. */
export const holdUp = ({ waitingFor, throttledBy }: Progress): string | null => {
  if (waitingFor.length > 0) return waitingFor.join(', ')
  return throttledBy === null ? null : THROTTLE_WORDS[throttledBy]
}
