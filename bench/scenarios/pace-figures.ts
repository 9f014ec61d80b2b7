import type { Arrival } from '../open-loop.ts'
import { median, quantile, rounded } from '../statistics.ts'

/** One stretch of load before a backfill, and the one after it while it ran. */
export interface PaceRound {
  readonly before: readonly Arrival[]
  readonly during: readonly Arrival[]
  readonly copied: number
  readonly copiedMs: number
}

const GOAL = 1.2

const isRead = ({ method }: Arrival): boolean => method === 'GET'
const isWrite = (arrival: Arrival): boolean => !isRead(arrival)
const at = (arrivals: readonly Arrival[], share: number): number =>
  quantile(
    arrivals.map(({ due, answered }) => answered - due),
    share,
  )

/** Each figure is the median over the rounds, whose two stretches ran right after each other. */
export const paceFigures = (rounds: readonly PaceRound[]) => {
  const each = (figure: (round: PaceRound) => number): number => median(rounds.map(figure))
  const of = (kind: (arrival: Arrival) => boolean, stretch: 'before' | 'during', share: number) => (round: PaceRound) =>
    at(round[stretch].filter(kind), share)
  const ratio = (kind: (arrival: Arrival) => boolean, share: number): number =>
    each((round) => of(kind, 'during', share)(round) / of(kind, 'before', share)(round))
  const ms = (kind: (arrival: Arrival) => boolean, share: number) => ({
    before: rounded(each(of(kind, 'before', share))),
    during: rounded(each(of(kind, 'during', share))),
  })
  const failed = (stretch: 'before' | 'during'): number =>
    rounds.flatMap((round) => round[stretch]).filter(({ ok }) => !ok).length
  const [reads, writes] = [ratio(isRead, 0.99), ratio(isWrite, 0.99)]
  const figures = {
    reads_p99_ratio: rounded(reads),
    writes_p99_ratio: rounded(writes),
    reads_p50_ratio: rounded(ratio(isRead, 0.5)),
    reads_p99_ms: ms(isRead, 0.99),
    writes_p99_ms: ms(isWrite, 0.99),
    reads_p50_ms: ms(isRead, 0.5),
    copied_per_s: rounded(each(({ copied, copiedMs }) => (copied * 1000) / copiedMs)),
    failures: { before: failed('before'), during: failed('during') },
  }
  const missed = [
    [reads <= GOAL, 'reads_p99_ratio'],
    [writes <= GOAL, 'writes_p99_ratio'],
  ].flatMap(([holds, name]) => (holds === true ? [] : [name as string]))
  return { figures, missed }
}
