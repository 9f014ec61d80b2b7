import type { Arrival } from '../open-loop.ts'
import { isRead, isWrite, latencyOf } from '../sample-load.ts'
import { median, rounded } from '../statistics.ts'

/** One stretch of load while the new store was healthy, and the one after it while it hung. */
export interface Round {
  readonly healthy: readonly Arrival[]
  readonly hanging: readonly Arrival[]
  /** When the breaker was seen open, on the clock of the arrivals; null: it never was. */
  readonly opened: number | null
  /** When the store began to hang. */
  readonly hung: number
}

/** What isolation asks for; the deadline of the second side is the configuration's. */
const GOALS = { reads: 1.1, writes: 1.1, opens_s: 2 } as const

const p99 = (arrivals: readonly Arrival[]): number => latencyOf(arrivals, 0.99)

/** Each figure is the median over the rounds, whose two stretches ran right after each other. */
export const isolationFigures = (rounds: readonly Round[], deadline: number) => {
  const each = (figure: (round: Round) => number): number => median(rounds.map(figure))
  const opened = ({ opened: at }: Round): number => at ?? Number.POSITIVE_INFINITY
  const reads = ({ healthy }: Round): number => p99(healthy.filter(isRead))
  const readsHanging = ({ hanging }: Round): number => p99(hanging.filter(isRead))
  const writes = ({ healthy }: Round): number => p99(healthy.filter(isWrite))
  const before = (round: Round): number => p99(round.hanging.filter((a) => isWrite(a) && a.due < opened(round)))
  const after = (round: Round): number => p99(round.hanging.filter((a) => isWrite(a) && a.due >= opened(round)))
  const ratios = {
    reads: each((round) => readsHanging(round) / reads(round)),
    before: each((round) => before(round) / writes(round)),
    after: each((round) => after(round) / writes(round)),
  }
  const breaker_open_s = Math.max(...rounds.map((round) => (opened(round) - round.hung) / 1000))
  const failed = (stretch: 'healthy' | 'hanging'): number =>
    rounds.flatMap((round) => round[stretch]).filter(({ ok }) => !ok).length
  const failures = { healthy: failed('healthy'), hanging: failed('hanging') }
  const figures = {
    reads_p99_ratio: rounded(ratios.reads),
    writes_p99_ratio_before_open: rounded(ratios.before),
    writes_p99_ratio: rounded(ratios.after),
    breaker_open_s: rounded(breaker_open_s),
    reads_p99_ms: { healthy: rounded(each(reads)), hanging: rounded(each(readsHanging)) },
    writes_p99_ms: { healthy: rounded(each(writes)), before_open: rounded(each(before)), after: rounded(each(after)) },
    second_deadline_ms: deadline,
    failures,
  }
  const missed = [
    [ratios.reads <= GOALS.reads, 'reads_p99_ratio'],
    [each((round) => before(round) - writes(round)) <= deadline, 'writes_p99_ratio_before_open'],
    [ratios.after <= GOALS.writes, 'writes_p99_ratio'],
    [breaker_open_s <= GOALS.opens_s, 'breaker_open_s'],
    // On a machine that is too busy legacy fails by itself, and would in either stretch.
    [failures.hanging <= failures.healthy, 'failures'],
  ].flatMap(([holds, name]) => (holds === true ? [] : [name as string]))
  return { figures, missed }
}
