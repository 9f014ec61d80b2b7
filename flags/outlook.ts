import { Strategy as ConstraintJudge } from 'unleash-client'
import { type Cap, type CapBook, EVERY_INTEGRATION } from './caps.ts'
import type { Cohorts } from './cohorts.ts'
import type { Pin } from './decision.ts'
import type { Constraint, FlagDefinition, Strategy } from './definition.ts'
import { phaseOf } from './engine.ts'
import { type History, isTotal } from './history.ts'
import { lowerPhase, type Phase, phaseRank } from './phase.ts'
import type { LiftSlice } from './rollback.ts'

/*
 * What a flag asks of a whole cohort, read from its ladder without naming any customer: for `status`, for metrics and
 * for judging a lift. A step counts if its constraints can hold for the cohort; one that asks about single customers
 * counts as `some`. So `requested` is the highest phase that any customer of the cohort may be asked to run.
 */

/** One step as it concerns a cohort. */
export interface Ask {
  readonly phase: Phase
  /** Cumulative, 0 to 100. */
  readonly percent: number
  /** Only single customers that it names, or does not. */
  readonly some: boolean
}

/** One cohort of one integration at a glance. */
export interface Outlook {
  readonly integration: string
  readonly cohort: string
  readonly asks: readonly Ask[]
  /** The highest phase that the flag asks for in this cohort. */
  readonly requested: Phase
  /** The lowest cap that covers the cohort, whether or not it lowers anything now. */
  readonly cap: Cap | null
  readonly pin: Pin | null
  /** The highest phase that runs in this cohort. */
  readonly runs: Phase
}

/** What is needed to look; `Phases` and its parts give it. */
export interface OutlookParts {
  readonly history: (integration: string) => History
  readonly cohorts: Cohorts
  readonly caps: CapBook
  readonly pin: (integration: string) => Pin | null
  readonly now: number
}

const judge = new ConstraintJudge('outlook', true)

type Context = Parameters<ConstraintJudge['checkConstraint']>[1]
type JudgedConstraint = Parameters<ConstraintJudge['checkConstraint']>[0]

const CUSTOMER = 'customerId'

/** null: it cannot hold for this cohort. */
function reachOf(strategy: Strategy, { segments }: FlagDefinition, context: Context): 'all' | 'some' | null {
  const named = strategy.segments.map((id) => segments.find((segment) => segment.id === id))
  if (named.includes(undefined)) return null
  const constraints = [...strategy.constraints, ...named.flatMap((segment) => segment?.constraints ?? [])]
  const general = constraints.filter(({ contextName }) => contextName !== CUSTOMER)
  if (!general.every((constraint: Constraint) => judge.checkConstraint(constraint as JudgedConstraint, context)))
    return null
  return general.length === constraints.length ? 'all' : 'some'
}

function asksOf(definition: FlagDefinition, context: Context): Ask[] {
  if (!definition.feature.enabled) return [{ phase: 'off', percent: 100, some: false }]
  const asks: Ask[] = []
  for (const strategy of definition.feature.strategies) {
    const reach = reachOf(strategy, definition, context)
    const percent = strategy.name === 'flexibleRollout' ? Number(strategy.parameters['rollout']) : 100
    if (reach === null || !(percent > 0)) continue
    for (const { payload } of strategy.variants) {
      const phase = phaseOf(payload)
      if (phase !== null) asks.push({ phase, percent, some: reach === 'some' })
    }
    if (reach === 'all' && percent >= 100) break
  }
  return asks
}

/** What the flag asks for in this cohort; definitions before a partial one still speak for whom that one leaves out. */
export const asksIn = (
  history: History,
  subject: { readonly integration: string; readonly cohort: string },
  now: number,
) => {
  const context: Context = { properties: { ...subject }, currentTime: new Date(now) }
  const asks: Ask[] = []
  for (const { definition } of history) {
    asks.push(...asksOf(definition, context))
    if (isTotal(definition)) break
  }
  return asks
}

/** What nobody is asked for anything by. */
export const NOTHING_ASKED = 'off 100 %'

/** What a flag asks of a cohort, in its order: `live 5 %, shadow 100 %`. */
export const asksInWords = (asks: readonly Ask[]): string =>
  asks.length === 0
    ? NOTHING_ASKED
    : asks.map(({ phase, percent, some }) => `${phase} ${some ? 'for some' : `${percent} %`}`).join(', ')

/** A part of a cohort and what runs there. */
export interface Share {
  readonly phase: Phase
  /** 0 to 100, of the cohort; null: single customers that a step names. */
  readonly percent: number | null
}

/** How a cohort is divided among the phases that run, the steps of its flag in their order; who is left is asked for nothing. */
export const sharesOf = ({ asks, cap, pin }: Pick<Outlook, 'asks' | 'cap' | 'pin'>): readonly Share[] => {
  if (pin !== null) return [{ phase: pin.phase, percent: 100 }]
  const some = asks.filter(({ some: named }) => named)
  const shares = new Map<Phase, number>()
  let taken = 0
  for (const { phase, percent } of [...asks.filter((ask) => !ask.some), { phase: 'off' as const, percent: 100 }]) {
    if (percent <= taken) continue
    const runs = runsUnder(phase, cap, null)
    shares.set(runs, (shares.get(runs) ?? 0) + percent - taken)
    taken = percent
  }
  const named = new Set(some.map(({ phase }) => runsUnder(phase, cap, null)).filter((phase) => !shares.has(phase)))
  return [
    ...[...named].map((phase) => ({ phase, percent: null })),
    ...[...shares].map(([phase, percent]) => ({ phase, percent })),
  ]
}

/** `live`, or `50% live, 50% dualwrite` where a cohort is divided. */
export const sharesInWords = (shares: readonly Share[]): string =>
  shares.length === 1
    ? (shares[0]?.phase ?? 'off')
    : shares.map(({ phase, percent }) => (percent === null ? `some ${phase}` : `${percent}% ${phase}`)).join(', ')

const highest = (asks: readonly Ask[]): Phase =>
  asks.reduce<Phase>((top, { phase }) => (phaseRank(phase) > phaseRank(top) ? phase : top), 'off')

const runsUnder = (requested: Phase, cap: Cap | null, pin: Pin | null): Phase =>
  pin?.phase ?? (cap === null ? requested : lowerPhase(requested, cap.phase))

/** Every cohort of one integration. */
export const outlookOf = (integration: string, parts: OutlookParts): readonly Outlook[] =>
  parts.cohorts.names.map((cohort) => {
    const asks = asksIn(parts.history(integration), { integration, cohort }, parts.now)
    const requested = highest(asks)
    const cap = parts.caps.lowest(integration, cohort)
    const pin = parts.pin(integration)
    return { integration, cohort, asks, requested, cap, pin, runs: runsUnder(requested, cap, pin) }
  })

const isSame = (a: Cap, b: Cap): boolean =>
  a.kind === b.kind && a.integration === b.integration && a.cohort === b.cohort

/** What taking these caps away would change, for `judgeLift`. */
export const liftSlices = (
  lifted: readonly Cap[],
  integrations: readonly string[],
  parts: OutlookParts,
): readonly LiftSlice[] => {
  const concerned = integrations.filter((integration) =>
    lifted.some((cap) => cap.integration === integration || cap.integration === EVERY_INTEGRATION),
  )
  return concerned.flatMap((integration) =>
    outlookOf(integration, parts).map(({ cohort, requested, pin, runs }) => {
      const staying = parts.caps.matching(integration, cohort).find((cap) => !lifted.some((gone) => isSame(gone, cap)))
      return { integration, cohort, runs, after: runsUnder(requested, staying ?? null, pin) }
    }),
  )
}
