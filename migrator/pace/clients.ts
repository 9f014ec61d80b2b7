import { CLIENT_KINDS, type ClientKind, type ClientsReport, type Tally } from './clients-report.ts'
import { makeHearing } from './hearing.ts'
import { makeLatencies } from './latencies.ts'
import { makeSignal, type Signal } from './signal.ts'

/*
 * Clients' own latency: one in a hundred requests may be slower than the p99 without copying, times what the configuration
 * allows; reads and writes each for themselves. The baseline are requests that were begun and answered while nothing was
 * copied. There are such moments while a backfill runs, too: every ten seconds copying holds still for a blink (BBR drains its
 * queue for 200 ms to measure the path alone), so that a baseline of the night does not judge the day. The clock of the
 * machines says when, so that all processes hold still at once.
 *
 * A timer is a client, too: how late it fires is what requests wait before this process sees them, which no request can
 * tell.
 */
export interface Clients {
  observe(kind: ClientKind, ms: number): void
  readonly signals: readonly Signal[]
  /** ms for which copying has held still now, for the baseline, in every process; null: it need not. `wall`: ms since the epoch. */
  stillFor(wall: number): number | null
  /** No process has any of late. */
  areAway(): boolean
  report(): ClientsReport
  /** What all others report, by process; their samples count as those of this one. */
  hear(reports: ReadonlyMap<string, ClientsReport>): void
}

export interface ClientsOptions {
  readonly now: () => number
  /** Since when nothing is copied; null: something is. */
  readonly quietSince: () => number | null
  /** How many times the p99 of the baseline is allowed. */
  readonly factor: number
}

/** Of all requests; the goal is one of the p99. */
const SHARE = 0.01
const LEAST = 300
const MOST = 6000
/** What a pass leaves behind (a commit, a collection of garbage) is over by then. */
const SETTLED_MS = 30
const EVERY_MS = 10_000
const STILL_MS = 400
/** Without a baseline half of the time goes into one; it takes LEAST requests. */
const FIRST_EVERY_MS = 2000
const FIRST_STILL_MS = 1000
/** A threshold is worked out anew after so many samples. */
const REFRESH = 100

function makeKind(now: () => number) {
  const baseline = makeLatencies({ least: LEAST, most: MOST })
  const signal = makeSignal(now, SHARE)
  let p99: number | null = null
  let fresh = 0
  let tally: Tally = { judged: 0, bad: 0 }
  return {
    signal,
    judge: (isBad: boolean): void => {
      signal.add(isBad)
      tally = { judged: tally.judged + 1, bad: tally.bad + (isBad ? 1 : 0) }
    },
    tally: () => tally,
    learn: (ms: number): void => {
      baseline.add(ms)
      fresh += 1
      if (p99 !== null && fresh < REFRESH) return
      fresh = 0
      p99 = baseline.quantile(1 - SHARE)
    },
    p99: () => p99,
  }
}

export function makeClients({ now, quietSince, factor }: ClientsOptions): Clients {
  const kinds = { read: makeKind(now), write: makeKind(now), loop: makeKind(now) }
  let last = Number.NEGATIVE_INFINITY

  /** What a timer may be late by is what a read may be slower by. */
  const limitOf = (kind: ClientKind): number | null => {
    const own = kinds[kind].p99()
    if (kind !== 'loop') return own === null ? null : own * factor
    const read = kinds.read.p99()
    return own === null || read === null ? null : own + read * (factor - 1)
  }
  const isActive = (): boolean => now() - last < 3000
  const own = (): ClientsReport['clients'] => {
    if (!isActive()) return 'away'
    return kinds.read.p99() !== null || kinds.write.p99() !== null ? 'known' : 'unknown'
  }
  const everywhere = () => [own(), ...[...hearing.all()].map(({ clients }) => clients)]
  const hearing = makeHearing((kind, { judged, bad }) => {
    // Spread, as they came: bad ones in a row would be evidence of their own.
    const upTo = (n: number): number => Math.floor((n * bad) / judged)
    for (let n = 0; n < judged; n += 1) kinds[kind].signal.add(upTo(n + 1) > upTo(n))
  })
  return {
    observe: (kind, ms) => {
      const at = now()
      if (kind !== 'loop') last = at
      const quiet = quietSince()
      if (quiet !== null && at - ms >= quiet + SETTLED_MS) return kinds[kind].learn(ms)
      const limit = limitOf(kind)
      if (limit !== null && (kind !== 'loop' || isActive())) kinds[kind].judge(ms > limit)
    },
    signals: CLIENT_KINDS.map((kind) => kinds[kind].signal),
    areAway: () => everywhere().every((word) => word === 'away'),
    stillFor: (wall) => {
      const all = everywhere()
      if (all.every((word) => word === 'away')) return null
      const [every, still] = all.includes('unknown') ? [FIRST_EVERY_MS, FIRST_STILL_MS] : [EVERY_MS, STILL_MS]
      return wall % every < still ? wall % every : null
    },
    report: () => ({
      clients: own(),
      read: kinds.read.tally(),
      write: kinds.write.tally(),
      loop: kinds.loop.tally(),
    }),
    hear: hearing.hear,
  }
}
