import type { Arrival } from '../open-loop.ts'
import { isRead, isWrite, latencyOf } from '../sample-load.ts'
import { median, rounded } from '../statistics.ts'

/** One stretch of load before a backfill, and the one after it while it ran. */
export interface PaceRound {
  readonly before: readonly Arrival[]
  readonly during: readonly Arrival[]
  /** The same while a backfill ran that does not adapt. */
  readonly unpaced: readonly Arrival[]
  /** Secrets that were copied a second during the second; null: it was over before the stretch was. */
  readonly perSecond: number | null
  /** Seconds that its passes waited, by what for. */
  readonly throttled: Readonly<Record<string, number>>
}

type Stretch = 'before' | 'during' | 'unpaced'

const GOAL = 1.2

const totals = (all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {}
  for (const one of all) for (const [by, seconds] of Object.entries(one)) sums[by] = (sums[by] ?? 0) + seconds
  return sums
}

/** Each figure is the median over the rounds, whose two stretches ran right after each other. */
export const paceFigures = (rounds: readonly PaceRound[]) => {
  const each = (figure: (round: PaceRound) => number): number => median(rounds.map(figure))
  const of = (kind: (arrival: Arrival) => boolean, stretch: Stretch, share: number) => (round: PaceRound) =>
    latencyOf(round[stretch].filter(kind), share)
  const ratio = (kind: (arrival: Arrival) => boolean, share: number, stretch: Stretch = 'during'): number =>
    each((round) => of(kind, stretch, share)(round) / of(kind, 'before', share)(round))
  const ms = (kind: (arrival: Arrival) => boolean, share: number) => ({
    before: rounded(each(of(kind, 'before', share))),
    during: rounded(each(of(kind, 'during', share))),
    unpaced: rounded(each(of(kind, 'unpaced', share))),
  })
  const failed = (stretch: Stretch): number => rounds.flatMap((round) => round[stretch]).filter(({ ok }) => !ok).length
  const [reads, writes] = [ratio(isRead, 0.99), ratio(isWrite, 0.99)]
  const figures = {
    reads_p99_ratio: rounded(reads),
    writes_p99_ratio: rounded(writes),
    reads_p50_ratio: rounded(ratio(isRead, 0.5)),
    reads_p99_ms: ms(isRead, 0.99),
    writes_p99_ms: ms(isWrite, 0.99),
    reads_p50_ms: ms(isRead, 0.5),
    unpaced_reads_p99_ratio: rounded(ratio(isRead, 0.99, 'unpaced')),
    unpaced_writes_p99_ratio: rounded(ratio(isWrite, 0.99, 'unpaced')),
    copied_per_s: rounded(each(({ perSecond }) => perSecond ?? Number.NaN)),
    throttled_by: totals(rounds.map(({ throttled }) => throttled)),
    failures: { before: failed('before'), during: failed('during'), unpaced: failed('unpaced') },
  }
  const missed = [
    [reads <= GOAL, 'reads_p99_ratio'],
    [writes <= GOAL, 'writes_p99_ratio'],
  ].flatMap(([holds, name]) => (holds === true ? [] : [name as string]))
  return { figures, missed }
}
