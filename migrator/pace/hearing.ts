import { CLIENT_KINDS, type ClientKind, type ClientsReport, type Tally } from './clients-report.ts'

/*
 * What other processes say of their clients, as samples of this one: their tallies only grow, and what they grew by since
 * the last look is as if it had been seen here. So a process that serves nobody backs off for the clients of those that do.
 */
export interface Hearing {
  /** The reports of all others that live, by process. */
  hear(reports: ReadonlyMap<string, ClientsReport>): void
  /** Those that were heard last. */
  all(): Iterable<ClientsReport>
}

/** Samples of one kind at one look: what a busy process adds must not drown what the others say. */
const MOST = 1000

export function makeHearing(add: (kind: ClientKind, sample: Tally) => void): Hearing {
  let heard: ReadonlyMap<string, ClientsReport> = new Map()
  return {
    hear: (reports) => {
      for (const [id, report] of reports) {
        const before = heard.get(id)
        // What it saw before it was heard for the first time says nothing of now.
        if (before !== undefined) for (const kind of CLIENT_KINDS) add(kind, grown(before[kind], report[kind]))
      }
      heard = reports
    },
    all: () => heard.values(),
  }
}

function grown(before: Tally, now: Tally): Tally {
  const judged = Math.max(0, now.judged - before.judged)
  const bad = Math.min(judged, Math.max(0, now.bad - before.bad))
  const part = judged > MOST ? MOST / judged : 1
  return { judged: Math.round(judged * part), bad: Math.round(bad * part) }
}
