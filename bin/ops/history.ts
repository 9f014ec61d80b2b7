import { burndown, type Series } from '../../ledger/burndown.ts'
import { readSamples, type Sample, type Span } from '../../ledger/postgres/progress-history.ts'
import { httpFault } from '../../proxy/http/faults.ts'
import type { History, HistoryQuery } from '../../proxy/ops/history.ts'
import type { HistoryPort } from '../../proxy/ops/ports.ts'
import type { Engine } from '../serve/engine.ts'
import { nextOf } from './findings.ts'
import { select } from './select.ts'

const DAY = 86_400_000

export function makeHistoryPort(engine: Engine): HistoryPort {
  const { config, clock, counting, parts } = engine
  const ownerOf = (integration: string): string => config.integrations[integration]?.owner ?? ''
  const keys = {
    integration: (integration: string) => integration,
    owner: ownerOf,
    cohort: (_integration: string, cohort: string) => cohort,
  } as const
  return {
    history: async (query) => {
      const names = select(config, query.selector)
      const span = spanOf(query, clock.wall())
      const past = await readSamples(parts.database, names, span)
      const present = query.until === undefined ? await now(counting, names, span.until) : []
      const series = burndown([...past, ...present], span, keys[query.by])
      return answer(query, span, series)
    },
  }
}

function spanOf({ since, until, points }: HistoryQuery, now: number): Span {
  const end = until === undefined ? now : Date.parse(until)
  const start = since === undefined ? end - DAY : Date.parse(since)
  if (start >= end) throw httpFault('parameter-refused', 'query: since is not before until')
  return { since: start, until: end, step: (end - start) / points }
}

/** What is counted now stands at the end of every series, so that a chart ends where the status is. What is finalized has no rows. */
async function now(counting: Engine['counting'], names: readonly string[], at: number): Promise<readonly Sample[]> {
  const counted = await counting.of(names)
  return [...counted].flatMap(([integration, { cohorts }]) =>
    cohorts.size === 0 ? [] : [{ integration, at, cohorts }],
  )
}

const iso = (ms: number): string => new Date(ms).toISOString()

function answer({ by, limit, after }: HistoryQuery, span: Span, all: readonly Series[]): History {
  const series = all
    .filter(({ key }) => after === undefined || key > after)
    .slice(0, limit)
    .map(({ key, points }) => ({
      key,
      points: points.map(({ at, counts }) => ({ at: iso(at), counts })),
    }))
  return {
    by,
    since: iso(span.since),
    until: iso(span.until),
    step_seconds: span.step / 1000,
    series,
    next: nextOf(series, limit, ({ key }) => key),
  }
}
