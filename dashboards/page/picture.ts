import type { Debt, LiveIntegration, LiveMessage, LivePart } from '../../proxy/ops/live-messages.ts'
import type { RatePoint } from '../../proxy/ops/rates.ts'
import type { ShownReplica } from '../../proxy/ops/replicas.ts'
import type { Latency, Status } from '../../proxy/ops/status.ts'
import type { MismatchRow, OpsEvent } from '../../proxy/ops/work.ts'
import { figure } from './words.ts'

/*
 * Everything that the page knows, made of the lines of the stream. A line replaces its like; only figures over time are
 * added to those before.
 */
export interface Picture {
  readonly integrations: ReadonlyMap<string, LiveIntegration>
  readonly caps: Status['caps'] | null
  readonly latencies: readonly Latency[]
  readonly flags: { readonly source: string; readonly stale: boolean } | null
  readonly debts: readonly Debt[]
  readonly replicas: readonly ShownReplica[]
  readonly mismatches: readonly MismatchRow[]
  readonly events: readonly OpsEvent[]
  readonly rates: readonly RatePoint[]
  /** Of the last look of the server; null: none yet. */
  readonly at: string | null
  readonly unknown: readonly LivePart[]
}

export const NO_PICTURE: Picture = {
  integrations: new Map(),
  caps: null,
  latencies: [],
  flags: null,
  debts: [],
  replicas: [],
  mismatches: [],
  events: [],
  rates: [],
  at: null,
  unknown: [],
}

/** A quarter of an hour. */
const KEPT_RATES = 180

/**
 * After one look of the server. The first one of a connection is `whole`: an integration that is not in it is gone, unless
 * integrations could not be looked at.
 */
export function withLook(picture: Picture, messages: readonly LiveMessage[], whole: boolean): Picture {
  const rows = messages.flatMap((message) => (message.kind === 'integration' ? [message.row] : []))
  const now = messages.reduce(withMessage, picture)
  const isAnew = whole && !now.unknown.includes('status')
  // One copy for all rows of a look: hundreds of copies of hundreds are felt.
  const integrations = new Map(isAnew ? [] : picture.integrations)
  for (const row of rows) integrations.set(row.integration, row)
  return rows.length === 0 && !isAnew ? now : { ...now, integrations }
}

function withMessage(picture: Picture, message: LiveMessage): Picture {
  switch (message.kind) {
    case 'integration':
      return picture
    case 'caps':
      return { ...picture, caps: message.state }
    case 'flags':
      return { ...picture, flags: { source: message.source, stale: message.stale } }
    case 'latencies':
    case 'debts':
    case 'replicas':
    case 'mismatches':
    case 'events':
      return { ...picture, [message.kind]: message.rows }
    case 'rates': {
      const last = picture.rates.at(-1)?.at ?? ''
      const newer = message.points.filter(({ at }) => at > last)
      return { ...picture, rates: [...picture.rates, ...newer].slice(-KEPT_RATES) }
    }
    case 'beat':
      return { ...picture, at: message.at, unknown: message.unknown }
  }
}

/** Sentences that who listens is told at once; more are one sum. */
const MOST_SAID = 4

/** What runs now and did not before, in words; for who listens instead of looking. */
export function changesOf(before: Picture, now: Picture): readonly string[] {
  if (before.at === null) return []
  const changes = [...now.integrations.values()].flatMap(({ integration, cohorts }) => {
    const was = new Map(
      before.integrations.get(integration)?.cohorts.map((cohort) => [cohort.cohort, cohort.effective]),
    )
    return cohorts
      .filter(({ cohort, effective }) => was.has(cohort) && was.get(cohort) !== effective)
      .map(({ cohort, effective }) => `${integration}, ${cohort}: runs ${effective} now.`)
  })
  return changes.length > MOST_SAID ? [`${figure(changes.length)} cohorts run another phase now.`] : changes
}
