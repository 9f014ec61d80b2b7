import type { Clock } from '../../core/clock.ts'
import type { Cohorts } from '../../flags/cohorts.ts'
import type { OnlyNew } from '../../ledger/postgres/quarantine.ts'
import type { LegacyFirst } from './legacy-first.ts'

/*
 * After the way back, by a rollback or by a flag, some secrets are still answered by new, because only it holds their latest
 * write; settle copies them to legacy one by one. They are counted anew at each look, which costs little while they are few: a
 * count that is seconds old would hide them just when somebody looks. How long it takes is told from how it went so far: from
 * two counts, where there are, else from how quickly the settler of this replica was when it last had work.
 */
export interface StillNew {
  /** Of each of these by itself; left out where nobody is answered by legacy first, all of them if the ledger does not answer. */
  each(integrations: readonly string[]): Promise<ReadonlyMap<string, Still>>
  /** Of all of them together. Null: nobody is answered by legacy first, or the ledger does not answer. */
  look(scope: Scope): Promise<Still | null>
  /** One pass of the settler made so many equal in so many ms. */
  settled(integration: string, secrets: number, ms: number): void
}

export interface Scope {
  readonly integrations: readonly string[]
  /** Null: every cohort. */
  readonly cohort: string | null
}

/** When nothing is answered by new any more. */
export type Zero =
  | { readonly kind: 'now' }
  | { readonly kind: 'estimated'; readonly inMs: number }
  /** The new store does not answer: what only it holds cannot be copied. */
  | { readonly kind: 'store-away'; readonly stores: readonly string[] }
  /** All that is left is in quarantine: an operator's word is needed. */
  | { readonly kind: 'quarantine' }
  /** None was settled so far. */
  | { readonly kind: 'unknown' }

export interface Still {
  readonly secrets: number
  /** Of them, those that are not copied before somebody decides. */
  readonly quarantined: number
  readonly zero: Zero
}

export interface StillNewParts {
  readonly count: (integrations: readonly string[]) => Promise<readonly OnlyNew[]>
  readonly cohorts: Pick<Cohorts, 'of'>
  readonly legacyFirst: (integration: string) => LegacyFirst
  readonly clock: Pick<Clock, 'monotonic'>
  /** The name of the new store of an integration if it does not answer, else null. */
  readonly silentStore: (integration: string) => Promise<string | null>
}

/** What is left of one integration. */
interface Left {
  readonly integration: string
  readonly secrets: number
  readonly quarantined: number
}

interface Count {
  readonly at: number
  readonly left: number
}

/** ms between two counts that say how quickly it goes, at least and at most. */
const APART = { least: 1000, most: 60_000 } as const
/** How much the latest pass of the settler counts. */
const WEIGHT = 0.3

export function makeStillNew({ count, cohorts, legacyFirst, clock, silentStore }: StillNewParts): StillNew {
  const counts = new Map<string, Count[]>()
  /** Secrets a ms of the settler here, by integration. */
  const passes = new Map<string, number>()

  const remember = (integration: string, left: number): void => {
    const at = clock.monotonic()
    const kept = (counts.get(integration) ?? []).filter((earlier) => at - earlier.at <= APART.most)
    const last = kept.at(-1)
    // More than before: it begins anew.
    if (last !== undefined && left > last.left) kept.length = 0
    if (left === 0) counts.delete(integration)
    else counts.set(integration, [...kept.slice(-60), { at, left }])
  }
  const rateOf = (integration: string): number | null => {
    const kept = counts.get(integration) ?? []
    const [first, last] = [kept[0], kept.at(-1)]
    if (first !== undefined && last !== undefined && last.at - first.at >= APART.least && last.left < first.left)
      return (first.left - last.left) / (last.at - first.at)
    return passes.get(integration) ?? null
  }

  return {
    settled: (integration, secrets, ms) => {
      if (secrets === 0) return
      const rate = secrets / Math.max(1, ms)
      const before = passes.get(integration)
      passes.set(integration, before === undefined ? rate : before + WEIGHT * (rate - before))
    },
    each: async (integrations) => {
      const left = await leftOf({ integrations, cohort: null })
      return new Map(await Promise.all(left.map(async (one) => [one.integration, await together([one])] as const)))
    },
    look: async (scope) => {
      const left = await leftOf(scope)
      return left.length === 0 ? null : together(left)
    },
  }

  /** Of those in which anybody of the cohort is answered by legacy first; none if the ledger does not answer. */
  async function leftOf({ integrations, cohort }: Scope): Promise<readonly Left[]> {
    const meant = integrations
      .map((integration) => ({ integration, first: legacyFirst(integration) }))
      .filter(({ first }) => (cohort === null ? first.cohorts.size > 0 : first.cohorts.has(cohort)))
    if (meant.length === 0) return []
    const counted = await count(meant.map(({ integration }) => integration)).catch(() => null)
    if (counted === null) return []
    const rows = Map.groupBy(counted, ({ integration }) => integration)
    return meant.map(({ integration, first }) => {
      const own = (rows.get(integration) ?? []).filter(({ customer }) => first.has(customer))
      remember(integration, sum(own, 'secrets') - sum(own, 'quarantined'))
      const within = cohort === null ? own : own.filter(({ customer }) => cohorts.of(customer) === cohort)
      return { integration, secrets: sum(within, 'secrets'), quarantined: sum(within, 'quarantined') }
    })
  }

  async function together(left: readonly Left[]): Promise<Still> {
    const [secrets, quarantined] = [sum(left, 'secrets'), sum(left, 'quarantined')]
    const waiting = left.filter((one) => one.secrets > one.quarantined)
    return { secrets, quarantined, zero: secrets === 0 ? { kind: 'now' } : await zeroOf(waiting) }
  }

  async function zeroOf(waiting: readonly Left[]): Promise<Zero> {
    if (waiting.length === 0) return { kind: 'quarantine' }
    const silent = await Promise.all(waiting.map(({ integration }) => silentStore(integration)))
    const stores = [...new Set(silent.filter((name) => name !== null))]
    if (stores.length > 0) return { kind: 'store-away', stores }
    const times = waiting.map(({ integration, secrets, quarantined }) => {
      const rate = rateOf(integration)
      return rate === null ? null : (secrets - quarantined) / rate
    })
    const known = times.filter((time) => time !== null)
    return known.length < times.length
      ? { kind: 'unknown' }
      : { kind: 'estimated', inMs: Math.ceil(Math.max(...known)) }
  }
}

const sum = <K extends string>(rows: readonly Readonly<Record<K, number>>[], key: K): number =>
  rows.reduce((all, row) => all + row[key], 0)
